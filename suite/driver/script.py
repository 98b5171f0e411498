"""A ticket as a script of its own: items, the implementation, each answer beside its item alone in eager.

The script needs neither pytest nor the laws. It shows what can be seen in answers: a batch that raises, an answer that
is not eager's, and, of laws on ownership, a result that a later batch changes. Laws that answers say nothing about have
a piece of their own (`script_pieces.py`). If nothing shows, the script says so.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import torch

from models.families import family as family_named
from suite.contract.case import BadCase, Batch, Case, ItemSpec, Setup
from suite.contract.scripting import ScriptedRanks, ScriptedSubject, ScriptPart
from suite.contract.shard_case import ShardCase
from suite.contract.subject import Subject
from suite.driver.catalogue import law_named
from suite.driver.script_pieces import PIECES, Piece
from suite.driver.ticket import Ticket
from suite.oracles.tolerance import tolerance

MOST_LINES = 40
"""Of a script: what is longer, nobody reads in an issue."""
WIDTH = 120
OWNERSHIP = "ownership"
History = tuple[Batch, ...]


class NoScript(BadCase):
    """No script can be written for the ticket: the text says why, and what to do."""


def script_of(ticket: Ticket, subject: Subject) -> str:
    """The script for a ticket of the subject as it is in the ticket's column.

    Raises:
        NoScript: the case is of a kind that cannot be shown, has no batch, or is too long; or the subject writes no
            scripts, or none that tell what the law is about.
    """
    if ticket.device != "emulator":
        raise NoScript(f"a script runs on the emulator, and this case is of device {ticket.device!r}: replay it there")
    piece = PIECES.get(ticket.law)
    case = _history_of(ticket) if piece is None else ticket.case
    part = _part(ticket, subject)
    body = _body(ticket, _history_of(ticket), part) if piece is None else _pieced(ticket, piece, part)
    lines = [*_head(ticket, f"{subject.name} {subject.version}", body), *body]
    if len(lines) > MOST_LINES:
        many = f"of {len(case.history)} batches" if isinstance(case, Case | ShardCase) else "as it is"
        raise NoScript(
            f"a script of this case, {many}, has {len(lines)} lines, more than {MOST_LINES}: "
            "give a smaller case, as a profile that shrinks finds it"
        )
    return "\n".join(lines) + "\n"


def _part(ticket: Ticket, subject: Subject) -> ScriptPart:
    """What the adapter writes for the case: over ranks if the case is."""
    case, method = ticket.case, "script"
    if isinstance(case, ShardCase):
        if isinstance(subject, ScriptedRanks):
            return subject.script_over_ranks(family_named(case.family), case.setup, case.ranks)
        method = "script_over_ranks"
    elif isinstance(subject, ScriptedSubject):
        setup = case.setup if isinstance(case, Case) else Setup()
        return subject.script(family_named(case.family), _STARTED.get(ticket.law, _as_given)(setup))
    raise NoScript(
        f"subject {ticket.subject!r} writes no scripts: give its adapter a method `{method}` "
        "(suite/contract/scripting.py), or use `python -m suite replay` without --script"
    )


def _pieced(ticket: Ticket, piece: Piece, part: ScriptPart) -> list[str]:
    """The script of a law that has a piece of its own, without its head.

    Raises:
        NoScript: the adapter's part does not tell what the piece shows.
    """
    lacking = [name for name in piece.tells if name not in part.tells]
    lacking += ["configures"] if piece.configures and not part.configures else []
    if lacking:
        raise NoScript(
            f"subject {ticket.subject!r} does not tell {', '.join(lacking)} in its scripts, and {ticket.law} is about "
            "that: see suite/contract/scripting.py, or use `python -m suite replay` without --script"
        )
    history = _batched(ticket) if piece.items else ()
    return [
        *_imports("import models", "import torch", *part.imports, *piece.imports, *(_ITEMS if piece.items else ())),
        f'FAMILY = models.family("{ticket.case.family}")',
        *((*_batches(history), *_ITEM) if piece.items else ()),
        *piece.body(ticket.case, part),
    ]


def _imports(*lines: str) -> list[str]:
    return sorted(dict.fromkeys(lines), key=lambda line: (line.startswith("from"), line))


def _history_of(ticket: Ticket) -> Case:
    """The case, if its answers can be shown."""
    if not isinstance(ticket.case, Case):
        raise NoScript(
            f"a script shows a history of batches, and this case is a {type(ticket.case).__name__}: replay it"
        )
    _batched(ticket)
    return ticket.case


def _batched(ticket: Ticket) -> History:
    """The history of the case, whose items are drawn from seeds."""
    history = ticket.case.history if isinstance(ticket.case, Case | ShardCase) else ()
    if not any(history):
        raise NoScript(f"a script shows answers, and this case of {ticket.law} has no item: replay it")
    if any(spec.photograph is not None for batch in history for spec in batch):
        raise NoScript("a script draws its items from seeds, and this case has photographs: replay it")
    return history


def _head(ticket: Ticket, release: str, body: Iterable[str]) -> list[str]:
    """What it shows, and what of this project it needs."""
    ours = (re.match(r"(?:from|import) (suite[\w.]*)", line) for line in body)
    needs = ", ".join(["models", *sorted({found[1] for found in ours if found})])
    column = f", column {ticket.column}" if ticket.column else ""
    text = (
        f"{release}{column}: {ticket.law}, case {ticket.id}. {law_named(ticket.law).statement} "
        f"Needs this release and, in PYTHONPATH, the folder of Lockstep, of which it uses {needs}."
    )
    return textwrap.wrap(text, WIDTH - 2, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _body(ticket: Ticket, case: Case, part: ScriptPart) -> list[str]:
    keeps = law_named(ticket.law).topic == OWNERSHIP
    allowed = tolerance(torch.float32)
    return [
        *_imports("import models", "import torch", "from models import api, towers", *part.imports),
        f'FAMILY, EAGER = models.family("{case.family}"), towers.build_tower("{case.family}")',
        *_batches(_as_encoded(ticket.law, case.history)),
        *_ITEM,
        *part.lines,
        *_COMPARED,
        f"        far = ~torch.isclose(got, want, rtol={allowed.rtol:.3g}, atol={allowed.atol:.3g}, equal_nan=True)",
        *_DIFFERS,
        *(_KEPT if keeps else ()),
        'print("\\n".join(wrong) or "Every answer is as expected.")',
        "raise SystemExit(bool(wrong))",
    ]


_ITEMS = ("from models import api",)
_ITEM = (
    'def item(frames, height, width, seed=0, modality="image", fill=None):',
    "    grid, generator = api.Grid(frames, height, width), torch.Generator().manual_seed(seed)",
    "    pixels = torch.randn(FAMILY.sizes.rows(grid), *FAMILY.row_shape, generator=generator)",
    "    return api.Item(grid, pixels if fill is None else torch.full_like(pixels, float(fill)), modality)",
)
_COMPARED = (
    "wrong, kept = [], []",
    "for number, batch in enumerate(BATCHES):",
    "    answers = encode([item(*each) for each in batch])",
    "    for index, (each, got) in enumerate(zip(batch, answers, strict=True)):",
    "        want = EAGER.encode(item(*each).pixels, item(*each).grid).view_as(got)",
)
_DIFFERS = (
    '        name = f"batch {number}, item {index}"',
    '        wrong += [f"{name}: expected {want[far][:3]}, actual {got[far][:3]}"] * bool(far.any())',
)
_KEPT = (
    "        kept.append((name, got, got.clone()))",
    "for name, got, copy in kept:",
    '    wrong += [f"{name}: expected {copy[:1, :3]} to stay, actual {got[:1, :3]}"] * (not torch.equal(got, copy))',
)


def _batches(history: History) -> list[str]:
    """One tuple per item: frames, height, width, and what differs from an image of seed 0."""
    texts = (f"[{', '.join(map(_arguments, batch))}]" for batch in history)
    return textwrap.wrap(
        f"BATCHES = [{', '.join(texts)}]",
        WIDTH - 1,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _arguments(spec: ItemSpec) -> str:
    grid = spec.grid
    given: list[object] = [grid.frames, grid.height, grid.width, spec.seed, spec.modality]
    given += [None if spec.fill is None else str(spec.fill)]
    defaults: list[object] = [None, None, None, 0, "image", None]
    while given[-1] == defaults[len(given) - 1]:
        given.pop()
    return f"({', '.join(map(repr, given))})"


def _as_given(setup: Setup) -> Setup:
    return setup


def _without_clips(setup: Setup) -> Setup:
    return replace(setup, max_frames=0)


def _without_graphs(setup: Setup) -> Setup:
    return replace(setup, enabled=False)


_STARTED: Mapping[str, Callable[[Setup], Setup]] = {
    "fallback/video-can-be-off": _without_clips,
    "configuration/off-changes-nothing": _without_graphs,
}
"""Laws that start in another setup than that of their case."""


def _again(history: History) -> History:
    return (*history, *history)


def _backwards(history: History) -> History:
    return history[0], history[0][::-1]


def _other_mates(history: History) -> History:
    first, *others = history[0]
    reseeded = (replace(spec, seed=spec.seed + 1000) for spec in others)
    return history[0], (first, *reseeded)


_ENCODED: Mapping[str, Callable[[History], History]] = {
    "staleness/repeat-agrees": _again,
    "isolation/order-does-not-matter": _backwards,
    "isolation/batch-mates-do-not-matter": _other_mates,
}
"""Laws that encode more than the history of their case."""


def _as_encoded(law: str, history: History) -> History:
    """The batches that the law encodes."""
    return _ENCODED.get(law, tuple)(history)
