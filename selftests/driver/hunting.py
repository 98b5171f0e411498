"""Searches with invented laws, on a clock that only moves when told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from selftests.contract.invented import invented_law, subject
from selftests.strategies.spaces import space
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import Check
from suite.contract.verdict import Verdict, violated
from suite.driver.profiles import PROFILES, Profile
from suite.driver.search import Found, search

PROFILE = replace(PROFILES["dev"], examples=40, search_seconds=1000.0, shrink_seconds=1000.0)
WRONG = violated(expected="a", actual="b", because="c")


@dataclass
class Clock:
    """Seconds that pass only in `tick`."""

    now: float = 0.0

    def read(self) -> float:
        """The time."""
        return self.now

    def tick(self) -> None:
        """One second later."""
        self.now += 1


@dataclass
class Trail:
    """The cases that a check was given, in order; each takes a second."""

    clock: Clock = field(default_factory=Clock)
    cases: list[Case] = field(default_factory=list)

    def note(self, check: Check) -> Check:
        """The check, followed."""

        def noted(case: Case, given: GuardedSubject) -> Verdict:
            self.cases.append(case)
            self.clock.tick()
            return check(case, given)

        return noted


def hunt(
    check: Check,
    *,
    profile: Profile = PROFILE,
    seed: int = 0,
    inputs: str = "mixes",
    trail: Trail | None = None,
    given: GuardedSubject | None = None,
    law_id: str = "invented/law",
    family: str = "toy",
) -> Found:
    """Searches for a violation of the check."""
    trail = trail or Trail()
    law = replace(invented_law(trail.note(check), inputs=inputs), id=law_id)
    return search(law, space(family), given or subject(), profile=profile, seed=seed, clock=trail.clock.read)
