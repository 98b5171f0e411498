"""A case's steps through a session with a cache of outputs, and what a law needs when the cache is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from suite.contract.case import ItemSpec
from suite.contract.guard import GuardedSubject
from suite.contract.guarded_keeping import GuardedKeeping
from suite.contract.kept_case import KeptCase, Step
from suite.contract.verdict import Verdict, violated
from suite.oracles.eager import items, solo
from suite.oracles.sizes import result_bytes
from suite.oracles.tolerance import compare
from suite.properties.over_ranks import difference

KEPT = "kept"


@dataclass(frozen=True)
class Done:
    """One step, and what it gave: a result for each item, or what the cache had for it."""

    number: int
    step: Step
    results: Sequence[Tensor] = ()
    got: Sequence[Tensor | None] = ()

    def answers(self) -> Iterator[tuple[ItemSpec, Tensor | None]]:
        """Each item that was asked for, and what came."""
        return zip(self.step.batch, self.got, strict=True) if self.step.does == "get" else iter(())


class Kept:
    """One session under one case."""

    def __init__(self, case: KeptCase, session: GuardedKeeping) -> None:
        self.case = case
        self.session = session
        self.margin = 0.0

    def steps(self) -> Iterator[Done]:
        """The whole history."""
        for number, step in enumerate(self.case.steps):
            yield self._do(number, step)

    def _do(self, number: int, step: Step) -> Done:
        given = items(self.case, step.batch)
        if step.does == "get":
            return Done(number, step, got=[self.session.get(item) for item in given])
        if step.does in ("keep", "encode"):
            results = self.session.encode(given)
            if step.does == "keep":
                for item, result in zip(given, results, strict=True):
                    self.session.put(item, result)
            return Done(number, step, results=results)
        if step.does == "clear":
            self.session.clear()
        for item in given:
            self.session.drop(item)
        return Done(number, step)

    def get(self, spec: ItemSpec) -> Tensor | None:
        """What the cache has for one item."""
        (item,) = items(self.case, (spec,))
        return self.session.get(item)

    def get_all(self) -> Iterator[tuple[ItemSpec, Tensor | None]]:
        """The same for every item of the case, after the steps."""
        for spec in self.case.pool():
            yield spec, self.get(spec)

    def first_wrong(self, answers: Iterable[tuple[ItemSpec, Tensor | None]], when: str) -> Verdict | None:
        """A violation at the first answer that is not its item's solo run; None if all are, or nothing came."""
        for spec, got in answers:
            if got is not None and (verdict := self._differs(spec, got, when)):
                return verdict
        return None

    def _differs(self, spec: ItemSpec, got: Tensor, when: str) -> Verdict | None:
        want = solo(self.case.family, spec)
        found = compare(KEPT, got, want)
        self.margin = max(self.margin, found.used)
        if not found.mismatched:
            return None
        owners = [name(other) for other in self.case.pool() if other != spec and self._is(other, got)]
        return violated(
            expected=f"{when}, for {name(spec)} its own solo run in eager, or nothing",
            actual=f"{found.mismatched} / {found.total} elements differ, greatest abs {found.max_abs:.3g}"
            + "".join(f"; these are the values of {owner}" for owner in owners),
            because="what is kept is memory that a later batch, or another entry, writes to; or its key is another's",
            evidence=difference(found, want),
        )

    def _is(self, spec: ItemSpec, got: Tensor) -> bool:
        want = solo(self.case.family, spec)
        return want.shape == got.shape and not compare(KEPT, got, want).mismatched


def name(spec: ItemSpec) -> str:
    """An item in words."""
    return f"the item {spec.grid} of seed {spec.seed}"


def held_bytes(held: Iterable[Tensor]) -> int:
    """Bytes of the storages behind some tensors, each storage once."""
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in held}
    return sum(storages.values())


def own_bytes(each: Tensor) -> int:
    """Bytes of a tensor without what is around it in its storage."""
    return each.numel() * each.element_size()


@contextlib.contextmanager
def keeping(case: KeptCase, subject: GuardedSubject) -> Iterator[Kept]:
    """A session of the case's setup, its cache with room for the case's capacity."""
    with subject.keeping(case.family, case.setup, result_bytes(case.family, case.capacity)) as session:
        yield Kept(case, session)
