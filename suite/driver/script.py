"""A ticket as a script of its own: items, the implementation, each answer beside its item alone in eager.

The script needs neither pytest nor the laws. It shows what can be seen in answers: a batch that raises, an answer that
is not eager's, and, of laws on ownership, a result that a later batch changes. If nothing of that shows, it says so.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from models.families import family as family_named
from suite.contract.case import BadCase, Batch, Case, ItemSpec
from suite.contract.scripting import ScriptedSubject, ScriptPart
from suite.contract.subject import Subject
from suite.driver.catalogue import law_named
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
    """The script for a ticket whose case is a history of batches, of the ticket's subject as it is in its column.

    Raises:
        NoScript: the case is of another kind, has no batch, or is too long; or the subject writes no scripts.
    """
    case = _history_of(ticket)
    if not isinstance(subject, ScriptedSubject):
        raise NoScript(
            f"subject {ticket.subject!r} writes no scripts: give its adapter a method `script` "
            "(suite.contract.public.ScriptedSubject), or use `python -m suite replay` without --script"
        )
    part = subject.script(family_named(case.family), case.setup)
    lines = [*_head(ticket, f"{subject.name} {subject.version}", part), *_body(ticket, case, part)]
    if len(lines) > MOST_LINES:
        raise NoScript(
            f"a script of this case, of {len(case.history)} batches, has {len(lines)} lines, more than {MOST_LINES}: "
            "give a smaller case, as a profile that shrinks finds it"
        )
    return "\n".join(lines) + "\n"


def _history_of(ticket: Ticket) -> Case:
    if ticket.device != "emulator":
        raise NoScript(f"a script runs on the emulator, and this case is of device {ticket.device!r}: replay it there")
    if not isinstance(ticket.case, Case):
        raise NoScript(
            f"a script shows a history of batches, and this case is a {type(ticket.case).__name__}: replay it"
        )
    if not any(ticket.case.history):
        raise NoScript(f"a script shows answers, and this case of {ticket.law} has no item: replay it")
    if any(spec.photograph is not None for batch in ticket.case.history for spec in batch):
        raise NoScript("a script draws its items from seeds, and this case has photographs: replay it")
    return ticket.case


def _head(ticket: Ticket, release: str, part: ScriptPart) -> list[str]:
    """What it shows, and what of this project it needs."""
    ours = (re.match(r"(?:from|import) (suite[\w.]*)", line) for line in part.imports)
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
        *sorted(dict.fromkeys((*_IMPORTS, *part.imports)), key=lambda line: (line.startswith("from"), line)),
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


_IMPORTS = ("import models", "import torch", "from models import api, towers")
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
    "capture/memory-is-bounded": _again,
    "isolation/order-does-not-matter": _backwards,
    "isolation/batch-mates-do-not-matter": _other_mates,
}
"""Laws that encode more than the history of their case."""


def _as_encoded(law: str, history: History) -> History:
    """The batches that the law encodes."""
    return _ENCODED.get(law, tuple)(history)
