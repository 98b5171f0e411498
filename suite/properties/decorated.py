"""A class tree that a subject decorates, step by step, each instance beside its eager twin of an untouched tree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from suite.contract.calls import SubjectFailed
from suite.contract.decorating import Options
from suite.contract.decoration import Build, Call, Decorate, DecorationCase, Step, Subclass, Undo
from suite.contract.guard import GuardedSubject
from suite.contract.guarded_decoration import GuardedWorkbench
from suite.contract.subject import Refused
from suite.contract.verdict import Evidence, Verdict, violated
from suite.oracles.class_trees import Trees, answer, arguments_of, construction, form_of, two_trees
from suite.oracles.programs import difference
from suite.oracles.tolerance import tolerance
from suite.properties.loads import fresh_torch

DECORATED = "decorated"
ABSENT: Mapping[str, int] = {"rows": 0, "absent": 0}
"""Dims of which one is of no argument."""


@dataclass(frozen=True)
class Instance:
    """One instance and its twin."""

    number: int
    cls: str
    """Name of the class in the program."""
    module: nn.Module
    twin: nn.Module
    options: Options | None
    """Those of its class, if it was made to compile."""

    def __str__(self) -> str:
        return f"instance #{self.number} of {self.cls}"


class Workshop:
    """What a program has made so far."""

    def __init__(self, case: DecorationCase, subject: GuardedSubject, bench: GuardedWorkbench, trees: Trees) -> None:
        self.case = case
        self.bench = bench
        self.trees = trees
        self.leaves_classes = subject.capabilities.leaves_classes
        self.classes: dict[str, type[nn.Module]] = dict(trees.given.classes)
        """As they are by now, decorated or not."""
        self.twins: dict[str, type[nn.Module]] = dict(trees.plain.classes)
        self.options: dict[str, Options] = {}
        """Of the classes that are decorated by now."""
        self.derived: dict[str, str] = {}
        """Of the classes that a user derived, from which."""
        self.refused: list[str] = []
        self.instances: list[Instance] = []
        self.margin = 0.0

    def play(self, steps: Iterable[Step]) -> Verdict | None:
        """Runs steps; a violation at the first answer that is not eager's.

        Raises:
            Refused: the subject refuses to decorate a class that is like any other.
            SubjectFailed: something raised that does not raise in eager.
        """
        return next((wrong for step in steps if (wrong := self.step(step))), None)

    def step(self, step: Step) -> Verdict | None:
        """Runs one step."""
        match step:
            case Decorate():
                self.decorate(step)
            case Build():
                return self.build(step)
            case Call():
                return self.call(step)
            case Subclass():
                self.derive(step)
            case Undo():
                self.undo(step.cls)
        return None

    def derive(self, step: Subclass) -> None:
        """Derives a class."""
        base = self.classes[step.cls]
        made = self.bench.ask(f"deriving from {step.cls}", lambda: self.trees.given.derived(base))
        self.classes[step.name], self.derived[step.name] = made, step.cls
        self.twins[step.name] = self.trees.plain.derived(self.twins[step.cls])

    def decorate(self, step: Decorate) -> bool:
        """Decorates a class; False if that is refused where it may be, which leaves everything as it was.

        Raises:
            Refused: it is refused though nothing of the kind is decorated yet.
        """
        dims = self.dims() if step.options.explicit else None
        try:
            self.classes[step.cls] = self.bench.decorate(self.classes[step.cls], step.options, dims)
        except Refused as refusal:
            if not self.may_refuse(step):
                raise
            self.refused.append(str(refusal))
            return False
        self.options[step.cls] = step.options
        return True

    def dims(self) -> dict[str, int]:
        """The dim that varies, of every tensor that a forward of the tree takes by name."""
        return dict.fromkeys(["rows", "more", *["shift"] * ("keyword" in self.case.tree.features)], 0)

    def may_refuse(self, step: Decorate) -> bool:
        """Whether the class is decorated otherwise, or below or above a class that is decorated."""
        known = self.options.get(step.cls)
        if known is not None:
            return known != step.options
        twin = self.twins[step.cls]
        others = (self.twins[name] for name in self.options)
        return any(issubclass(twin, other) or issubclass(other, twin) for other in others)

    def build(self, step: Build) -> Verdict | None:
        """Makes an instance; a violation if the constructor fails otherwise than in eager."""
        options = self.options_of(step.cls) if step.compiling else None
        args, kwargs = construction(step)
        cls = self.plainly(step.cls) if options is None else self.classes[step.cls]

        def make() -> nn.Module:
            if options is None:
                return self.bench.ask(f"making a plain {step.cls}", lambda: cls(*args, **kwargs))
            return self.bench.build(cls, *args, **kwargs)

        if step.seed < 0:
            return self.same_failure(str(step), make, lambda: self.twins[step.cls](*args, **kwargs))
        made, twin = make(), self.twins[step.cls](*args, **kwargs)
        self.instances.append(Instance(len(self.instances), step.cls, made, twin, options))
        return None

    def options_of(self, name: str) -> Options | None:
        """How a class, or that from which a user derived it, is decorated by now."""
        return self.options.get(name) or self.options.get(self.derived.get(name, ""))

    def plainly(self, name: str) -> type[nn.Module]:
        """The class of that name as a user finds it who knows nothing of decoration."""
        return self.trees.given.classes.get(name, self.classes[name])

    def instance(self, call: Call) -> Instance:
        """The one that is called."""
        return self.instances[call.instance % len(self.instances)]

    def call(self, call: Call) -> Verdict | None:
        """Calls an instance; a violation if the answer, its form or the buffers afterwards are not eager's."""
        if not self.instances:
            return None
        each = self.instance(call)
        if call.fails:
            return self.same_failure(
                f"{call} of {each}", lambda: self.ask(each, call), lambda: answer(each.twin, self.given(call))
            )
        got, want = self.ask(each, call), answer(each.twin, self.given(call))
        return self.unequal(f"{call} of {each}", got, want) or self.other_state(each, call)

    def given(self, call: Call) -> tuple[tuple[object, ...], dict[str, object]]:
        """Fresh arguments."""
        return arguments_of(self.case.tree, call)

    def ask(self, each: Instance, call: Call) -> object:
        """What the subject's instance answers."""
        args, kwargs = self.given(call)
        return self.bench.ask(f"{call} of {each}", lambda: each.module(*args, **kwargs))

    def unequal(self, what: str, got: object, want: torch.Tensor) -> Verdict | None:
        """A violation if an answer is not eager's."""
        if not isinstance(got, torch.Tensor) or form_of(got) != form_of(want):
            return violated(
                expected=f"{what} gives {form_of(want)}",
                actual=form_of(got),
                because="the decorated class answers in another form than the plain one",
            )
        found = difference(DECORATED, got, want, output=0, call=0)
        self.margin = max(self.margin, found.used)
        if not found.mismatched:
            return None
        return violated(
            expected=f"{what} gives what the plain class gives",
            actual=f"{found.mismatched} of {found.total} elements differ, by at most {found.max_abs:.3g}",
            because="what runs is not the class's own forward with its own weights and arguments",
            evidence=Evidence(arms=(found,), first_arm=DECORATED, tolerance=tolerance(want.dtype).as_data()),
        )

    def other_state(self, each: Instance, call: Call) -> Verdict | None:
        """A violation if parameters or buffers have other names or values than the twin's."""
        got, want = each.module.state_dict(), each.twin.state_dict()
        odd = sorted({*got} ^ {*want} or {name for name in got if not torch.equal(got[name], want[name])})
        if not odd:
            return None
        return violated(
            expected=f"after {call}, {each} has the state of the plain one",
            actual=f"{', '.join(odd)} differ",
            because="a buffer that the forward writes to is not written, or twice, or the state has other names",
        )

    def same_failure(self, what: str, ours: Callable[[], object], plain: Callable[[], object]) -> Verdict | None:
        """A violation if the subject does not raise what plain eager raises."""
        got, want = raised(ours), raised(plain)
        if got == want:
            return None
        return violated(
            expected=f"{what} raises {want}",
            actual=f"it raises {got}" if got else "it raises nothing",
            because="an exception of the user's own is caught, or replaced by another",
        )

    def undo(self, name: str) -> None:
        """Undoes the decoration of a class."""
        self.classes[name] = self.bench.undo(self.classes[name])
        self.options.pop(name, None)

    def compiles(self, each: Instance) -> bool:
        """Whether compiled code must serve an instance."""
        asked = each.options is not None and each.options.enabled is not False
        return asked and self.case.wishes.mode != "none"

    def calls(self) -> Iterator[Call]:
        """The case's calls, in order."""
        return (step for step in self.case.steps if isinstance(step, Call))

    def drop(self) -> None:
        """Lets go of all instances and decorated classes."""
        self.instances.clear()
        self.classes = dict(self.trees.given.classes)


def raised(call: Callable[[], object]) -> str | None:
    """Type and text of what a call raises; the guard's wrapping is taken off. None if it raises nothing."""
    try:
        call()
    except SubjectFailed as failure:
        error = failure.__cause__ or failure
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


@contextlib.contextmanager
def workshop(case: DecorationCase, subject: GuardedSubject) -> Iterator[Workshop]:
    """A new tree, its plain twin and a workbench.

    Raises:
        Refused: the subject refuses the wishes.
    """
    with fresh_torch(), two_trees(case.tree) as trees, subject.workbench(case.wishes) as bench:
        yield Workshop(case, subject, bench, trees)


Body = Callable[[Workshop], Verdict]


def in_workshop(case: DecorationCase, subject: GuardedSubject, body: Body) -> Verdict:
    """Runs the body of a law in a workshop of its case."""
    with workshop(case, subject) as shop:
        return body(shop)
