"""What Hypothesis reports in the end is the simplest story: one compile of one microsecond."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from selftests.strategies.spaces import space
from suite.contract.timeline import Compile, Timeline
from suite.strategies.timelines import TIMELINE_LABELS, TIMELINES

PATIENT = settings(
    max_examples=600,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
ONE = Compile("jit", steps=(1,))


def _minimal(strategy: str, wanted: Callable[[Timeline], bool] = lambda _: True) -> Timeline:
    return find(TIMELINES[strategy](space("toy")), wanted, settings=PATIENT)


SIMPLEST: dict[str, Timeline] = {
    "timelines": Timeline("toy", threads=((ONE,),)),
    "flat_compiles": Timeline("toy", threads=((ONE,),)),
    "crowds": Timeline("toy", ("full", "full"), ((ONE,), (Compile("jit", worker=1, steps=(1,)),)), (0, 0)),
    "nests": Timeline("toy", threads=((Compile("jit", steps=(ONE, 1)),),)),
    "guests": Timeline("toy", ("full", "none"), ((Compile("jit", steps=(Compile("jit", worker=1, steps=(1,)), 1)),),)),
    "failing_compiles": Timeline("toy", threads=((Compile("jit", steps=(1,), fails=True),),)),
    "failed_loads": Timeline("toy", threads=((Compile("jit", steps=(1,), failed_load=1),),)),
    "fleets": Timeline("toy", ("full", "full"), ((ONE, Compile("jit", worker=1, steps=(1,))),)),
}


@pytest.mark.parametrize("strategy", TIMELINES)
def test_the_simplest_timeline(strategy: str) -> None:
    """If every timeline is violated, this one is shown."""
    assert _minimal(strategy) == SIMPLEST[strategy]


@pytest.mark.parametrize(
    ("label", "simplest"),
    [
        ("four-deep", "jit encoder(jit encoder(jit encoder(jit encoder(1) 1) 1) 1)"),
        ("encoder-in-language-model", "jit language_model(jit encoder(1))"),
        ("first-run-outside", "aot encoder(1 run 1)"),
        ("load-interrupted", "load encoder(1 fails)"),
        ("uncaught-inside", "jit encoder(jit encoder(1 fails uncaught))"),
        ("no-time", "jit encoder(0)"),
    ],
)
def test_a_class_shrinks_to_what_makes_it(label: str, simplest: str) -> None:
    """A failure that needs the class is shown with nothing else."""
    found = _minimal("timelines", TIMELINE_LABELS[label])
    (thread,) = found.threads
    assert " ".join(map(str, thread)).replace(" 1)", ")") == simplest.replace(" 1)", ")")


def test_a_threshold_of_microseconds_is_met_exactly() -> None:
    """A failure from ten milliseconds on is shown with ten milliseconds."""
    found = _minimal("flat_compiles", lambda case: sum(each.microseconds() for each in case.compiles()) >= 10_000)
    assert [each.microseconds() for each in found.compiles()] == [10_000]
