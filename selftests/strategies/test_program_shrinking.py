"""What Hypothesis reports of compiled programs is the simplest story: a plain setup, one or two small calls."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, find, settings

from selftests.strategies.program_cases import space
from suite.contract.program import CompileSetup, ProgramCase
from suite.strategies.programs import PROGRAMS

PATIENT = settings(
    max_examples=1000,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def _minimal(strategy: str, wanted: Callable[[ProgramCase], bool] = lambda _: True) -> ProgramCase:
    return find(PROGRAMS[strategy](space()), wanted, settings=PATIENT)


def _sizes(case: ProgramCase) -> list[tuple[int, ...]]:
    return [call.sizes for call in case.starts[0].calls]


def test_the_simplest_program_is_plain() -> None:
    """If every case is violated, what is shown is two calls of one row, in the plainest setup there is."""
    simplest = _minimal("programs")
    assert _sizes(simplest) == [(1,), (1,)]
    assert simplest.starts[0].setup == CompileSetup(cached=False)
    assert str(simplest.starts[0].program) == "block"


def test_an_empty_call_stays_an_empty_call() -> None:
    """A failure that needs a call without rows is shown with one, among the smallest."""
    simplest = _minimal("programs", lambda case: any(call.total == 0 for call in case.starts[0].calls))
    assert sorted(_sizes(simplest)) == [(), (1,)]


def test_a_border_is_the_lowest_one() -> None:
    """A failure at the first size of a later range is shown with one range end and one call."""
    simplest = _minimal(
        "borders",
        lambda case: any(call.total == end + 1 for call in case.starts[0].calls for end in case.starts[0].setup.ranges),
    )
    assert simplest.starts[0].setup.ranges == (1,)
    assert _sizes(simplest) == [(2,)]


def test_two_instances_stay_two() -> None:
    """A failure of the second instance is shown with two of them."""
    simplest = _minimal("instances", lambda case: case.starts[0].setup.instances > 1)
    assert simplest.starts[0].setup.instances == 2
    assert {call.total for call in simplest.starts[0].calls} == {1}


def test_the_first_compiler_is_the_simplest() -> None:
    """A failure of every compiler is shown with the cheapest one."""
    assert _minimal("layers").starts[0].setup.backend == "eager"
    assert _minimal("towers").starts[0].program.name == "tower"
