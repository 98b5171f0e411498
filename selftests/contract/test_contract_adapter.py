"""The base classes for adapters: little to write, and what is missing is the adapter's fault."""

from __future__ import annotations

import inspect

import pytest

from selftests.contract.invented import CASE, TOY, invented_law
from selftests.subjects.strange_adapters import Boastful, Honest
from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.judge import judge
from suite.contract.public import Adapter, AdapterBroken, AdapterSession, Capabilities, Session, Subject
from suite.contract.verdict import Outcome, Verdict, holds
from suite.driver.ticket import guarded


@pytest.mark.parametrize(("base", "protocol"), [(Adapter, Subject), (AdapterSession, Session)])
def test_the_base_has_every_method_of_the_contract(base: type, protocol: type) -> None:
    """With the same arguments; a method that is new in the contract is missed here."""
    methods = {name: each for name, each in vars(protocol).items() if inspect.isfunction(each) and name[0] != "_"}
    assert methods
    for name, method in methods.items():
        if name in vars(base):
            assert str(inspect.signature(getattr(base, name))) == str(inspect.signature(method)), name
        else:
            raise AssertionError(f"{base.__name__} has no {name}")


def _asks_for_counts(case: Case, subject: GuardedSubject) -> Verdict:
    with subject.session(case.family, case.setup) as session:
        session.counts()
    return holds()


def test_what_is_declared_and_missing_is_the_adapters_fault() -> None:
    """Nothing can be said of the subject, and the sentence names capability and method."""
    verdict = judge(invented_law(_asks_for_counts), CASE, guarded(Boastful()))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == "adapter broken: Solo declares 'statistics', but has no counts"


def test_an_adapter_declares_nothing_of_itself() -> None:
    """Its capabilities are those of everyone, and each optional method says that it is not there."""
    adapter = Honest()
    assert adapter.capabilities == Capabilities()
    for call in (adapter.methods, lambda: adapter.missing_method(TOY, "x")):
        with pytest.raises(AdapterBroken, match="Honest declares 'model_protocol', but has no"):
            call()
