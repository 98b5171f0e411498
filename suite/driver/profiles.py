"""Profiles: how hard to look, in one place. Every field is set, so `CI` in the environment changes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, Verbosity, settings


class UnknownProfile(ValueError):
    """No profile has this name: the text lists those that exist."""


TURNS = 20
"""Seeds that one round of `tox -e seeds` has: what is dear has its turn once in a round."""


@dataclass(frozen=True)
class Profile:
    """Example counts and time limits of one kind of run."""

    name: str
    examples: int
    """Cases per law on the toy; other families get a share by their cost."""
    least: int
    """Cases per law on the most expensive family."""
    faults: str
    """Which faults run: none, sample, all, or lethal (all, with those that take their process with them)."""
    random: bool
    """Whether a seed may be given; otherwise the seed is fixed and every run draws the same cases."""
    search_seconds: float
    """After this long no further case of a law is started, and one always is; the record says how many ran."""
    shrink_seconds: float
    """After the first violation, how long smaller ones are looked for."""
    dearest: float = math.inf
    """Cost of a law times that of a family, above which the law is left out there: one case would take too long."""
    by_turns: float = 0.0
    """Cost up to which what is left out so is held in one seed out of `TURNS`, each law and family in another one."""

    def leaves_out(self, *, family: float, law: float, turn: int = 1) -> str | None:
        """Why a law of one cost is not held on a family of another; None if it is, or if it is its turn."""
        cost = family * law
        if cost <= self.dearest or (cost <= self.by_turns and turn % TURNS == 0):
            return None
        where = f" but for one seed in {TURNS}" if cost <= self.by_turns else ""
        return f"profile {self.name} leaves out what costs more than {self.dearest:g} times a usual case{where}"

    def examples_for(self, family: float, law: float = 1.0) -> int:
        """Cases of a law of one cost on a family of another; no law is so dear that it gets none."""
        return max(1, round(max(self.least, self.examples / family) / law))

    def settings(self, examples: int) -> settings:
        """Hypothesis' settings, every field given (an unset one would follow `CI`)."""
        phases = (Phase.generate, Phase.shrink) if self.shrink_seconds else (Phase.generate,)
        return settings(
            max_examples=examples,
            derandomize=False,
            database=None,
            deadline=None,
            phases=phases,
            print_blob=False,
            report_multiple_bugs=False,
            stateful_step_count=50,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
            ],
            verbosity=Verbosity.quiet,
            backend="hypothesis",
        )


_ALL = (
    Profile("smoke", 6, 2, faults="sample", random=False, search_seconds=5, shrink_seconds=5, dearest=20),
    Profile("premerge", 40, 4, faults="all", random=False, search_seconds=15, shrink_seconds=8, dearest=80),
    Profile("nightly", 1000, 100, faults="lethal", random=True, search_seconds=60, shrink_seconds=60),
    Profile("dev", 30, 3, faults="all", random=True, search_seconds=20, shrink_seconds=20),
    Profile("seeds", 6, 2, faults="none", random=True, search_seconds=20, shrink_seconds=10, dearest=20, by_turns=80),
)
PROFILES = {each.name: each for each in _ALL}


def pin_hypothesis() -> None:
    """Gives tests of the suite's own with `@given` the same settings with and without `CI` in the environment."""
    pinned = settings(
        PROFILES["smoke"].settings(100), derandomize=True, phases=(Phase.explicit, Phase.generate, Phase.shrink)
    )
    settings.register_profile("lockstep", pinned)
    settings.load_profile("lockstep")


def profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UnknownProfile: there is none.
    """
    if name not in PROFILES:
        raise UnknownProfile(f"no profile {name!r}: choose one of {', '.join(PROFILES)}")
    return PROFILES[name]
