"""Whole models that a subject loaded, each beside its plain twin, and what laws on loading need of them."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.contract.guard import GuardedSubject
from suite.contract.guarded_decoration import GuardedLoad
from suite.contract.loading import LoadCase, ModelLoad
from suite.contract.verdict import Difference, Evidence, Verdict, violated
from suite.oracles.class_snapshot import settle_torch
from suite.oracles.programs import difference
from suite.oracles.running import inside, running
from suite.oracles.tolerance import tolerance
from suite.oracles.torch_trace import unrecorded
from suite.oracles.whole_models import PlainTwin, config_of

LOADED = "loaded"


@dataclass
class LoadedBeside:
    """One loaded model and its twin."""

    number: int
    load: ModelLoad
    loaded: GuardedLoad
    twin: PlainTwin
    margin: float = 0.0

    @property
    def decoder(self) -> str:
        """Path of the decoder, by the suite's own data."""
        return self.twin.whole.decoder

    @property
    def encoders(self) -> tuple[str, ...]:
        """Paths of the encoders for images, videos and sound."""
        return tuple(self.twin.whole.encoders)

    def follow(self) -> Verdict | None:
        """Gives the twin the weights; a violation if the state is not that of the plain model."""
        wrong = self.twin.follow(self.loaded.model)
        if wrong is None:
            return None
        return violated(expected=f"{self} has the state of the plain model", actual=wrong, because=STATE)

    def first_wrong(self) -> Verdict | None:
        """Runs all calls; a violation at the first answer that is not eager's."""
        if wrong := self.follow():
            return wrong
        verdicts = (self.wrong(number, tokens) for number, tokens in enumerate(self.load.calls))
        return next((verdict for verdict in verdicts if verdict), None)

    def wrong(self, number: int, tokens: int) -> Verdict | None:
        """A violation if the answer to one call is not that of the twin, whose weights are up to date."""
        return self.differs(number, tokens, self.loaded.logits(self.twin.inputs(tokens)))

    def differs(self, number: int, tokens: int, got: Tensor) -> Verdict | None:
        """As `wrong`, for an answer that was given before."""
        want = self.twin.logits(tokens)
        if (got.shape, got.dtype) != (want.shape, want.dtype):
            return violated(
                expected=f"logits of call {number} of {self}: {tuple(want.shape)}, {want.dtype}",
                actual=f"{tuple(got.shape)}, {got.dtype}",
                because="the loaded model answers in another form than the plain one",
            )
        found = difference(LOADED, got, want, output=0, call=number)
        self.margin = max(self.margin, found.used)
        return self._unequal(found, tokens) if found.mismatched else None

    def _unequal(self, found: Difference, tokens: int) -> Verdict:
        return violated(
            expected=f"the logits of call {found.batch} ({tokens} tokens) of {self} are those of the plain model",
            actual=f"{found.mismatched} of {found.total} differ, by at most {found.max_abs:.3g}",
            because="what runs compiled computes something else than eager, or with other weights",
            evidence=Evidence(arms=(found,), first_arm=LOADED, tolerance=tolerance(torch.float32).as_data()),
        )

    def in_python(self, tokens: int) -> Counter[str]:
        """Paths of the modules whose forward Python runs in one call."""
        with running(self.loaded.model, self.twin.model) as ran:
            self.loaded.logits(self.twin.inputs(tokens))
        return ran

    def in_eager(self, tokens: int) -> Counter[str]:
        """Paths of the modules whose forward Python runs in the same call of the plain model."""
        with running(self.twin.model) as ran:
            self.twin.logits(tokens)
        return ran

    def besides(self, tokens: int, roots: tuple[str, ...]) -> Counter[str]:
        """As `in_eager`, without what these modules and all that they call do."""
        with running(self.twin.model, besides=roots) as ran:
            self.twin.logits(tokens)
        return ran

    @property
    def wished(self) -> tuple[str, ...]:
        """Paths of the parts that compile under these wishes (SPEC D1, D2)."""
        wishes = self.load.wishes
        if wishes.mode == "none":
            return ()
        return (self.decoder, *(self.encoders if wishes.encoder else ()))

    def class_name(self, path: str) -> str:
        """Of the plain module there, which warnings must name."""
        return type(self.twin.model.get_submodule(path)).__name__

    def compiled(self, tokens: int) -> set[str]:
        """Paths of the modules that run in eager, and not in Python here."""
        return set(self.in_eager(tokens)) - set(self.in_python(tokens))

    def below(self, *roots: str) -> set[str]:
        """Paths of the plain model's modules that are one of these, or inside of one."""
        return inside((path for path, _ in self.twin.model.named_modules()), roots)

    def __str__(self) -> str:
        return f"load {self.number} ({self.load})"


STATE = "decoration changed the names or the shapes of the state, so no checkpoint fits"


@contextlib.contextmanager
def fresh_torch() -> Iterator[None]:
    """Torch without programs of before, and without programs afterwards; nothing is recorded of what it traces.

    What torch and transformers warn of while they trace is nobody's, and no error.
    """
    settle_torch()
    torch.compiler.reset()
    try:
        with unrecorded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.compiler.reset()


@contextlib.contextmanager
def all_loaded(case: LoadCase, subject: GuardedSubject) -> Iterator[list[LoadedBeside]]:
    """Every load of the case in order; all of them stay loaded.

    Raises:
        Refused: the subject refuses one of them.
    """
    with fresh_torch(), contextlib.ExitStack() as stack:
        yield [stack.enter_context(loaded_beside(load, subject, number)) for number, load in enumerate(case.loads)]


@contextlib.contextmanager
def loaded_beside(load: ModelLoad, subject: GuardedSubject, number: int = 0) -> Iterator[LoadedBeside]:
    """One loaded model beside its twin.

    Raises:
        Refused: the subject refuses it.
    """
    twin = PlainTwin(load.model)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(load.seed)
        with subject.loaded(config_of(load.model), load.wishes) as loaded:
            yield LoadedBeside(number, load, loaded, twin)
