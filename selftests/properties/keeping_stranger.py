"""The stranger that compiles, with a cache on disk, whole programs kept by key, and artifacts in torch's trace.

Nothing of a graph is really stored: an entry says that its code was made, and a load makes it again from the graph at
hand. What the laws look at is which entries there are, when they are used, and what is told.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import torch
from torch import fx
from torch._dynamo.utils import dynamo_timed
from torch._guards import CompileContext, CompileId, compile_context
from torch._logging._internal import trace_structured

from models.programs import VARIABLE
from selftests.properties.compiling_stranger import COMPILES, Run, Stranger, Traces, _Started
from suite.contract.compiling import CompileFacts, Origin, SeenPiece
from suite.contract.program import Start

KEEPS = replace(COMPILES, compile_cache=True, ahead_of_time=True, trace_prefix="other")
LABEL = "other_log_compile_start"


class Folder:
    """Entries below a root: a file with the content, and one with what must be true of it."""

    def __init__(self, root: Path, warn: Callable[[str], None]) -> None:
        self.root = root
        self.warn = warn
        self.is_full = False

    def place(self, owner: str, key: str) -> Path:
        """The folder of an entry."""
        return self.root / owner / key

    def load(self, owner: str, key: str) -> bytes | None:
        """The content of an entry that is whole; one that is not is told and removed."""
        place = self.place(owner, key)
        if not place.is_dir():
            return None
        content, note = (place / "content").read_bytes(), (place / "note").read_bytes()
        if self.is_whole(content, note):
            return content
        self.reject(place)
        return None

    def is_whole(self, content: bytes, note: bytes) -> bool:
        """Whether the content is what the note says."""
        return note == self.note(content)

    def note(self, content: bytes) -> bytes:
        """Torch's version and a digest."""
        return f"{torch.__version__} {hashlib.sha256(content).hexdigest()}".encode()

    def reject(self, place: Path) -> None:
        """Tells and removes."""
        self.warn(f"{place} is damaged")
        self.remove(place)

    def remove(self, place: Path) -> None:
        """Removes an entry."""
        for path in place.glob("*"):
            path.unlink()
        place.rmdir()

    def keep(self, owner: str, key: str, content: bytes) -> None:
        """Writes an entry; the first failure is told, and nothing is written afterwards."""
        place = self.place(owner, key)
        if self.is_full or place.is_dir():
            return
        try:
            self.write(place, content)
        except OSError as why:
            self.is_full = True
            self.warn(f"nothing more is kept: {why}")

    def write(self, place: Path, content: bytes) -> None:
        """The whole entry at once, or nothing; of two writers the first one's stays."""
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.root.parent) as beside:
            self.fill(Path(beside) / "entry", content)
            try:
                (Path(beside) / "entry").rename(place)
            except OSError as why:
                if why.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise

    def fill(self, place: Path, content: bytes) -> None:
        """The two files of an entry."""
        place.mkdir()
        (place / "content").write_bytes(content)
        (place / "note").write_bytes(self.note(content))


class Keeps(Traces):
    """A started program with a folder."""

    folders: type[Folder] = Folder

    def __init__(self, family: str, start: Start, workspace: Path) -> None:
        super().__init__(family, start)
        self.warnings: list[str] = []
        self.compile_id: CompileId | None = None
        self.loaded_whole = 0
        self.folder = self.folders(workspace / "kept", self.warnings.append)

    # -- pieces

    @property
    def owner(self) -> str:
        """Component and class."""
        return f"{self.setup.component}-{self.program.module.__qualname__}"

    def key(self, text: str, slot: int) -> str:
        """Everything that changes the code of one range."""
        ends = (-1, *self.setup.ranges, None)
        facts = (self.owner, self.setup.backend, text, ends[slot : slot + 2])
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def made(self, graph: fx.GraphModule, slot: int) -> Run:
        """As without a folder, but what is there need not be compiled; nothing if the whole program was loaded."""
        if self.is_loaded_whole():
            self.loaded_whole += 1
            self.tell(slot)
            return graph.forward
        text = self.text(graph)
        key = self.key(text, slot)
        is_shared = (text, slot) in self.code
        kept = None if is_shared else self.folder.load(self.owner, key)
        run = super().made(graph, slot)
        self.tell(slot)
        origin: Origin = "shared" if is_shared else "compiled" if kept is None else "loaded"
        self.seen[-1] = self.described(replace(self.seen[-1], origin=origin, key=key))
        if origin == "compiled":
            self.folder.keep(self.owner, key, self.content(text))
        if self.setup.aot:
            self.folder.keep(self.owner, self.whole_key(), b"whole")
        return self.from_disk(run) if kept is not None else run

    def described(self, piece: SeenPiece) -> SeenPiece:
        """The piece as facts tell it, with the compiler in its program."""
        return replace(piece, program=f"{self.setup.backend} {piece.program}")

    def content(self, text: str) -> bytes:
        """What an entry holds."""
        return text.encode()

    def from_disk(self, run: Run) -> Run:
        """What a loaded piece runs."""
        return run

    # -- whole programs

    def factors(self) -> Sequence[object]:
        """Everything that changes what is traced, known before."""
        spec, setup = self.start.program, self.setup
        wishes = (setup.backend, setup.component, setup.split, setup.ranges)
        return (*wishes, spec.name, spec.scale, spec.depth, spec.optional, self.environment())

    def environment(self) -> object:
        """The variable that some programs read."""
        return os.environ.get(VARIABLE)

    def whole_key(self) -> str:
        """The key of the whole program."""
        return "whole-" + hashlib.sha256(repr(self.factors()).encode()).hexdigest()[:16]

    def is_loaded_whole(self) -> bool:
        """Whether the whole program is there, which is asked once."""
        if not self.setup.aot or self.seen:
            return False
        return bool(self.loaded_whole) or self.folder.load(self.owner, self.whole_key()) is not None

    # -- trace

    def backend(self, graph: fx.GraphModule, example_inputs: Sequence[object]) -> Run:
        """As without a trace, with a dump of the graph."""
        self.compile_id = CompileContext.current_compile_id()
        self.write("graph_0", lambda: str(graph.code))
        return super().backend(graph, example_inputs)

    def tell(self, slot: int) -> None:
        """The artifact of one range."""
        assert self.compile_id is not None
        with compile_context(CompileContext(self.compile_id)):
            self.write("compile_start", lambda: json.dumps(self.told(slot)))

    def told(self, slot: int) -> dict[str, object]:
        """What the artifact says."""
        ends = (-1, *self.setup.ranges, None)
        start, end = (ends[slot] or 0) + 1, ends[slot + 1]
        return {
            "piecewise_index": 0,
            "submod_name": "whole",
            "total_piecewise_compiles": 1,
            "compile_range_start": start,
            "compile_range_end": end,
            "is_single_size": start == end,
            "is_cudagraph_capture_size": False,
            "component": self.setup.component,
            "class_name": self.program.module.__qualname__,
            "is_loaded_whole": self.loaded_whole > 0,
        }

    def label(self) -> AbstractContextManager[object]:
        """The stretch in which the trace is written."""
        return dynamo_timed(LABEL)

    def write(self, name: str, payload: Callable[[], str]) -> None:
        """One artifact."""
        with self.label():
            self.artifact(f"other_piecewise_{name}", payload)

    def artifact(self, name: str, payload: Callable[[], str]) -> None:
        """Hands it to torch."""
        trace_structured("artifact", metadata_fn=lambda: {"name": name, "encoding": "string"}, payload_fn=payload)

    def facts(self) -> CompileFacts:
        """What was seen."""
        return replace(
            super().facts(),
            traced=0 if self.loaded_whole else super().facts().traced,
            program_key=self.whole_key() if self.setup.aot else None,
            loaded_whole=self.loaded_whole,
            warnings=tuple(self.warnings),
            label=LABEL,
        )


class KeepingStranger(Stranger):
    """A subject that compiles and keeps."""

    capabilities = KEEPS

    def __init__(self, keeps: Callable[[str, Start, Path], Keeps] = Keeps) -> None:
        super().__init__()
        self._keeps = keeps

    def start_program(self, family: str, start: Start, workspace: Path) -> _Started:
        """A program over the folder that earlier ones left."""
        return _Started(self._keeps(family, start, workspace))
