"""For every law on caches, keys and traces a stranger that breaks it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from torch import Tensor, fx

from selftests.properties.compiling_stranger import Run
from selftests.properties.keeping_stranger import Folder, Keeps
from suite.contract.program import Start


class _LoadsOtherValues(Keeps):
    """What comes from disk adds a half."""

    def from_disk(self, run: Run) -> Run:
        return lambda *args: [each + 0.5 if each.is_floating_point() else each for each in run(*args)]


class _FindsNothing(Folder):
    """Writes, and reads nothing."""

    def load(self, owner: str, key: str) -> bytes | None:
        return None


class _CompilesAgain(Keeps):
    """Compiles at every start."""

    folders = _FindsNothing


class _ForgetsLargeSizes(Keeps):
    """What comes from disk takes no more than eight rows."""

    def from_disk(self, run: Run) -> Run:
        def short(*args: object) -> Sequence[Tensor]:
            if self.units > 8:
                raise RuntimeError(f"no range for {self.units}")
            return run(*args)

        return short


class _Trusts(Folder):
    """Takes whatever is there."""

    def is_whole(self, content: bytes, note: bytes) -> bool:
        return True


class _UsesDamaged(Keeps):
    """Compares nothing."""

    folders = _Trusts


class _LeavesHalf(Folder):
    """Writes an entry in its place, and leaves what it could write of it."""

    def write(self, place: Path, content: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        self.fill(place, content)


class _WritesInPlace(Keeps):
    """Leaves half-written entries."""

    folders = _LeavesHalf


class _OneNameBeside(Folder):
    """Prepares each entry under one name, whoever writes it."""

    def write(self, place: Path, content: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = self.root.parent / "entry"
        self.fill(beside, content)
        beside.rename(place)


class _SharesItsDesk(Keeps):
    """Two writers get into each other's way."""

    folders = _OneNameBeside


class _Mute(Folder):
    """A mark that a write began keeps all later ones from it."""

    def keep(self, owner: str, key: str, content: bytes) -> None:
        mark = self.root / f"{owner}-{key}.begun"
        if not mark.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            mark.touch()
            super().keep(owner, key, content)


class _WritesOnce(Keeps):
    """Leaves to the dead what they began."""

    folders = _Mute


class _ClearsFirst(Folder):
    """The first write of a start removes all that others wrote."""

    has_written = False

    def keep(self, owner: str, key: str, content: bytes) -> None:
        if not self.has_written:
            for place in sorted(self.root.glob("*/*")):
                self.remove(place)
        self.has_written = True
        super().keep(owner, key, content)


class _AloneInFolder(Keeps):
    """Knows of no other start."""

    folders = _ClearsFirst


class _FirstCode(Keeps):
    """Runs the code that the first start of a program kept, whatever was baked into it."""

    def content(self, text: str) -> bytes:
        return repr(self.start.program).encode()

    def key(self, text: str, slot: int) -> str:
        return f"{slot}-{self.program.name}"

    def made(self, graph: fx.GraphModule, slot: int) -> Run:
        kept = self.folder.load(self.owner, self.key("", slot))
        run = super().made(graph, slot)
        if kept in (None, self.content("")):
            return run
        return lambda *args: [each + 0.5 if each.is_floating_point() else each for each in run(*args)]


class _SlotOnly(Keeps):
    """Has keys that know the slot alone."""

    def key(self, text: str, slot: int) -> str:
        return f"key-{slot}"


class _WholeByName(Keeps):
    """Knows a whole program by its name."""

    def factors(self) -> Sequence[object]:
        return (self.start.program.name,)


class _WholeByCalls(Keeps):
    """Has the inputs of the first call in the key of the whole program."""

    def factors(self) -> Sequence[object]:
        return (*super().factors(), self.start.calls, self.setup.instances, self.setup.trace)


class _OneOwner(Keeps):
    """Keeps everything in one place, under keys that know the graph alone."""

    @property
    def owner(self) -> str:
        return "all"


class _WholeInAnyEnvironment(Keeps):
    """Gives a stored program in any environment."""

    def environment(self) -> object:
        return None


class _TellsTwice(Keeps):
    """Two artifacts a range."""

    def tell(self, slot: int) -> None:
        super().tell(slot)
        super().tell(slot)


class _DumpsNothing(Keeps):
    """No graph in the trace."""

    def write(self, name: str, payload: Callable[[], str]) -> None:
        if not name.startswith("graph"):
            super().write(name, payload)


class _NoComponent(Keeps):
    """Does not say whose the artifact is."""

    def told(self, slot: int) -> dict[str, object]:
        return {**super().told(slot), "component": "model"}


class _NoLabel(Keeps):
    """The cost of the trace has no name."""

    def label(self) -> AbstractContextManager[object]:
        return nullcontext()


class _TellsColdOnly(Keeps):
    """Tells of pieces, and not of a whole program that it loads."""

    def tell(self, slot: int) -> None:
        if not self.loaded_whole:
            super().tell(slot)


class _TracingCompiles(Keeps):
    """Loads nothing while it is traced."""

    def __init__(self, family: str, start: Start, workspace: Path) -> None:
        super().__init__(family, start, workspace)
        if logging.getLogger("torch.__trace").handlers:
            self.folder = _FindsNothing(self.folder.root, self.warnings.append)


BROKEN_KEEPERS: dict[str, type[Keeps]] = {
    "compile_cache/warm-start-equals-eager": _LoadsOtherValues,
    "compile_cache/warm-start-compiles-nothing": _CompilesAgain,
    "compile_cache/nothing-is-compiled-twice": _CompilesAgain,
    "compile_cache/borders-after-a-warm-start": _ForgetsLargeSizes,
    "compile_cache/damage-is-told-and-mended": _UsesDamaged,
    "compile_cache/full-disk-stops-nobody": _WritesInPlace,
    "compile_cache/starts-at-once": _AloneInFolder,
    "compile_cache/processes-at-once": _SharesItsDesk,
    "compile_cache/killed-writer-harms-nobody": _WritesOnce,
    "compile_keys/flip-gives-the-new-answer": _FirstCode,
    "compile_keys/one-key-per-request": _SlotOnly,
    "compile_keys/whole-programs-are-told-apart": _WholeByName,
    "compile_keys/harmless-changes-keep-the-key": _WholeByCalls,
    "compile_keys/order-of-programs": _OneOwner,
    "compile_keys/environment-is-in-the-key": _WholeInAnyEnvironment,
    "trace/one-artifact-per-range": _TellsTwice,
    "trace/one-graph-per-sub-graph": _DumpsNothing,
    "trace/components-are-told-apart": _NoComponent,
    "trace/label-covers-the-writing": _NoLabel,
    "trace/cold-and-warm-tell-the-same": _TellsColdOnly,
    "trace/observation-only": _TracingCompiles,
}
"""By law, the stranger that it must catch."""
