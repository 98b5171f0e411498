"""What a compiled program does beside its values: layouts, shared memory, writes, hooks, and the module itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import ProgramCase
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.programs import layouts
from suite.properties.started import Both, Started, in_start

NEEDS = ("compiles",)


def _each_call(case: ProgramCase, subject: GuardedSubject, look: Callable[[Started, Both], Verdict | None]) -> Verdict:
    """Holds what a law says of one call against every call."""

    def body(run: Started) -> Verdict:
        return next((verdict for both in run.calls() if (verdict := look(run, both))), holds())

    return in_start(case, subject, body)


@law(
    "compiled_effects/strides-equal-eager",
    source=("SPEC C1",),
    inputs="layouts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="values",
)
def strides_equal_eager(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Outputs have eager's dtypes, shapes and strides: a caller's `view` works on both or on neither."""

    def look(run: Started, both: Both) -> Verdict | None:
        got, want = layouts(both.got.outputs), layouts(both.want.outputs)
        because = "the compiler made an output contiguous, or raised its dtype"
        return None if got == want else run.unequal(both, what="layouts", got=got, want=want, because=because)

    return _each_call(case, subject, look)


@law(
    "compiled_effects/sharing-equals-eager",
    source=("SPEC C1",),
    inputs="layouts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="values, and memory that is shared with neither an input nor an output",
)
def sharing_equals_eager(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Outputs share memory with inputs, and with each other, where they do in eager and nowhere else."""

    def look(run: Started, both: Both) -> Verdict | None:
        got, want = both.got.sharing(), both.want.sharing()
        because = "a view became a copy, or two results were given one buffer"
        return None if got == want else run.unequal(both, what="shared memory", got=got, want=want, because=because)

    return _each_call(case, subject, look)


@law(
    "compiled_effects/writes-equal-eager",
    source=("SPEC C1",),
    inputs="writes",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="strides and shared memory",
)
def writes_equal_eager(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """What a forward writes into its inputs, what it leaves alone, and what it reads afterwards are as in eager."""

    def look(run: Started, both: Both) -> Verdict | None:
        kept = replace(both.got, outputs=tuple(both.got.inputs.values()))
        want = replace(both.want, outputs=tuple(both.want.inputs.values()))
        in_inputs = run.wrong(replace(both, got=kept, want=want), where=", its inputs taken as outputs,")
        return in_inputs or run.wrong(both)

    return _each_call(case, subject, look)


@law(
    "compiled_effects/hooks-fire",
    source=("SPEC D6",),
    inputs="programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="hooks of modules inside the program",
)
def hooks_fire(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """A forward pre-hook and a forward hook of a compiled instance each fire once a call."""

    def body(run: Started) -> Verdict:
        fired = {"pre-hook": 0, "hook": 0}
        for instance in sorted({call.instance for call in run.start.calls}):
            module = run.program.module(instance)
            module.register_forward_pre_hook(lambda *_: _count(fired, "pre-hook"))
            module.register_forward_hook(lambda *_: _count(fired, "hook"))
        for number, call in enumerate(run.start.calls, start=1):
            run.run(call)
            if fired != {"pre-hook": number, "hook": number}:
                return violated(
                    expected=f"both fired {number} times after {number} calls",
                    actual=", ".join(f"{name}: {times}" for name, times in fired.items()),
                    because="the compiled form stands in for the whole call, hooks included, instead of the forward",
                )
        return holds()

    return in_start(case, subject, body)


def _count(fired: dict[str, int], name: str) -> None:
    fired[name] += 1


@law(
    "compiled_effects/module-is-the-users",
    source=("SPEC D6",),
    inputs="programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="what a subject may change: bases and namespace of the class that it made",
)
def module_is_the_users(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Compiling leaves the class as it was, and each instance its state's keys, its parameters and its kind."""

    def body(run: Started) -> Verdict:
        twin = run.twin.module()
        cls, before = type(twin), dict(vars(type(twin)))
        wanted = [name for name, _ in twin.state_dict().items()]
        instances = sorted({call.instance for call in run.start.calls} | {0})
        held = [dict(run.program.module(each).named_parameters()) for each in instances]
        for _ in run.calls():
            pass
        for instance, parameters in zip(instances, held, strict=True):
            module = run.program.module(instance)
            now = dict(module.named_parameters())
            moved = [name for name in now.keys() | parameters.keys() if now.get(name) is not parameters.get(name)]
            wrong = {
                "keys of its state": list(module.state_dict()) != wanted,
                f"parameters {sorted(moved)}": bool(moved),
                f"not an instance of {cls.__name__}": not isinstance(module, cls),
                f"the class {cls.__name__} itself": dict(vars(cls)) != before or type(run.twin.module()) is not cls,
            }
            if changed := [name for name, is_wrong in wrong.items() if is_wrong]:
                return violated(
                    expected=f"instance {instance} and its class as they were",
                    actual=f"changed: {', '.join(changed)}",
                    because="the compiler wraps the module, copies its weights, or writes to the class",
                )
        return holds()

    return in_start(case, subject, body)
