"""Loads of what is not as it should be: how they are refused, and what they leave behind."""

from __future__ import annotations

import contextlib
import copy
import gc
import threading
from collections.abc import Callable, Iterator

import torch

from suite.contract.calls import SubjectFailed
from suite.contract.guard import GuardedSubject
from suite.contract.loading import ModelLoad
from suite.contract.subject import Refused
from suite.contract.verdict import Verdict, violated
from suite.oracles.process_state import changes, process_kept
from suite.oracles.programs import difference
from suite.oracles.strange_models import Interruption, Strange, classes_of, plain_logits, strange
from suite.properties.loads import LOADED, fresh_torch
from suite.properties.watched_loads import Watched, told, unwanted

LEAST_CHARACTERS = 40
"""A refusal of fewer characters cannot name both a class and a remedy."""
INTERNALS = ("object has no attribute", "'NoneType' object", "Traceback (most recent", "is not subscriptable")
"""What stands in an exception that nobody wrote for a user."""


@contextlib.contextmanager
def without_a_trace(load: ModelLoad, found: list[Verdict | None]) -> Iterator[Strange]:
    """Registers the strange thing; at the end the verdict on what the block left in the process is added."""
    odd = strange(load.model)
    with fresh_torch(), odd.registered(), process_kept() as modes:
        if odd.repaired is not None:
            # Transformers writes to its classes with the first instance, Python with the first copy.
            with torch.random.fork_rng(devices=()):
                odd.build(copy.deepcopy(odd.repaired()))
        scene = Watched(classes_of(odd))
        yield odd
        gc.collect()
        found.append(
            unwanted(f"a load of {odd.what}", scene.changes(), what="classes, registries and hooks", because=_LEFT)
        )
        if other := changes(modes):
            found.append(
                violated(expected="torch's modes and defaults are as before", actual=told(other), because=_LEFT)
            )


_LEFT = "what was changed for the load is put back only if the load succeeds"


def attempt(subject: GuardedSubject, odd: Strange, load: ModelLoad) -> str | None:
    """Loads it; the words of a refusal, or None if it was loaded.

    Raises:
        SubjectFailed: neither.
    """
    try:
        with torch.random.fork_rng(devices=()), subject.loaded(odd.make(), load.wishes):
            return None
    except Refused as refusal:
        return str(refusal)


def break_off(subject: GuardedSubject, odd: Strange, load: ModelLoad) -> None:
    """Attempts a load that breaks half-way, here and in a thread that ends; how it fails is no matter."""

    def work() -> None:
        with contextlib.suppress(SubjectFailed, Interruption):
            attempt(subject, odd, load)

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def text_wrong(text: str, odd: Strange) -> Verdict | None:
    """A violation if a refusal does not say what is refused, in words for a user."""
    rules: dict[str, Callable[[str], bool]] = {
        f"names one of {', '.join(odd.names)}": lambda text: any(name in text for name in odd.names),
        f"has more than {LEAST_CHARACTERS} characters": lambda text: len(text) > LEAST_CHARACTERS,
        "is one paragraph": lambda text: "\n\n" not in text.strip(),
        "speaks of no internals": lambda text: not any(each in text for each in INTERNALS),
    }
    broken = [rule for rule, holds in rules.items() if not holds(text)]
    if not broken:
        return None
    return violated(
        expected=f"the refusal of {odd.what} {broken[0]}",
        actual=text or "no text",
        because="what a helper raised reaches the user as it is, without the class and the remedy",
    )


def repaired_wrong(subject: GuardedSubject, odd: Strange, load: ModelLoad) -> Verdict | None:
    """A violation if the same classes cannot be loaded as they should be, or answer otherwise than in eager."""
    if odd.repaired is None or odd.inputs is None:
        return None
    config, tokens = odd.repaired(), load.calls[0]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(load.seed)
        try:
            with subject.loaded(config, load.wishes) as good:
                got = good.logits(odd.inputs(tokens))
                want = plain_logits(odd, config, good.model, odd.inputs(tokens))
        except Refused as refusal:
            return violated(
                expected=f"a good model is loaded after a load of {odd.what}",
                actual=f"refused: {refusal}",
                because="a failure is remembered for all configurations of the class",
            )
    found = difference(LOADED, got, want, output=0, call=0) if got.dtype == want.dtype else None
    if found is None or found.mismatched:
        return violated(
            expected=f"a good model that is loaded after a load of {odd.what} answers as in eager, in {want.dtype}",
            actual=f"in {got.dtype}" if found is None else f"{found.mismatched} of {found.total} logits differ",
            because="something of the failed load is left in the classes, or in torch's defaults",
        )
    return None
