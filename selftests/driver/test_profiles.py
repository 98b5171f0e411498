"""Profiles mean the same everywhere, and every wrong name is answered with the right ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

from selftests.house.sources import ROOT
from suite.driver.profiles import PROFILES, TURNS, UnknownProfile, profile

SCRIPT = """
import hashlib
from selftests.driver.hunting import Trail, hunt
from suite.contract.verdict import holds
from suite.driver.profiles import PROFILES, pin_hypothesis
from hypothesis import settings
trail = Trail()
hunt(lambda case, given: holds(), trail=trail)
print(hashlib.sha256(repr(trail.cases).encode()).hexdigest())
for each in PROFILES.values():
    print(each.name, each.settings(10))
pin_hypothesis()
print(settings())
"""
MARKS = ("CI", "__TOX_ENVIRONMENT_VARIABLE_ORIGINAL_CI", "GITHUB_ACTIONS", "TF_BUILD")


def _meaning(**environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in MARKS}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_profiles_mean_the_same_in_ci() -> None:
    """The same settings and the same cases, whether or not the environment says that this is CI."""
    plain = _meaning()
    assert plain.count("\n") == len(PROFILES) + 2
    assert _meaning(**dict.fromkeys(MARKS, "true")) == plain


@pytest.fixture
def odd_defaults() -> Iterator[None]:
    """Defaults of Hypothesis that differ from ours in every field."""
    before = settings.get_current_profile_name()
    settings.register_profile(
        "odd",
        max_examples=7,
        derandomize=True,
        deadline=1,
        phases=[Phase.explicit],
        print_blob=True,
        report_multiple_bugs=True,
        stateful_step_count=3,
        suppress_health_check=[HealthCheck.differing_executors],
        verbosity=Verbosity.debug,
    )
    settings.load_profile("odd")
    yield
    settings.load_profile(before)


EXPECTED = {name: each.settings(10) for name, each in PROFILES.items()}


@pytest.mark.usefixtures("odd_defaults")
@pytest.mark.parametrize("name", PROFILES)
def test_every_field_is_set(name: str) -> None:
    """No setting follows the defaults of the moment."""
    assert repr(PROFILES[name].settings(10)) == repr(EXPECTED[name])


@pytest.mark.parametrize("name", PROFILES)
def test_nothing_is_kept_between_runs(name: str) -> None:
    """No database and no deadline: a run depends on its seed alone."""
    made = PROFILES[name].settings(3)
    assert (made.max_examples, made.database, made.deadline, made.derandomize) == (3, None, None, False)
    assert Phase.reuse not in made.phases


def test_costly_families_get_fewer_cases() -> None:
    """A share by cost, and never fewer than the least."""
    premerge = PROFILES["premerge"]
    assert premerge.examples_for(1) == premerge.examples
    assert premerge.examples_for(4) == round(premerge.examples / 4)
    assert premerge.examples_for(1e9) == premerge.least >= 1


def test_a_run_without_time_to_shrink_does_not_shrink() -> None:
    """Hypothesis' own shrinking can take minutes that no clock of ours stops."""
    assert Phase.shrink in PROFILES["dev"].settings(1).phases
    assert all(Phase.generate in each.settings(1).phases for each in PROFILES.values())


def test_an_unknown_profile_lists_the_valid_names() -> None:
    """One sentence with the name and the choices."""
    with pytest.raises(UnknownProfile, match="no profile 'fast': choose one of smoke, premerge, nightly, dev, seeds"):
        profile("fast")


def test_what_is_dear_has_its_turn() -> None:
    """In one seed of a round, up to a cost; elsewhere, and above, it is left out with its reason."""
    seeds = PROFILES["seeds"]
    held = [turn for turn in range(TURNS) if seeds.leaves_out(family=4, law=20, turn=turn) is None]
    assert held == [0]
    assert seeds.leaves_out(family=1, law=seeds.dearest, turn=7) is None
    assert "but for one seed in 20" in (seeds.leaves_out(family=4, law=20) or "")
    assert seeds.leaves_out(family=1, law=seeds.by_turns + 1, turn=0)
    assert PROFILES["smoke"].leaves_out(family=1, law=21, turn=0)
