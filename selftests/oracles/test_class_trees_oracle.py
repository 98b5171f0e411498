"""Two trees of one specification: forwards of either are known by their code, and compiled ones do not count."""

from __future__ import annotations

import torch
from torch import nn

from suite.contract.decoration import Build, Call, TreeSpec
from suite.oracles.class_trees import answer, arguments_of, construction, forwards_run, two_trees
from suite.properties.loads import fresh_torch

SPEC = TreeSpec(2, "super", features=("keyword",))


def test_both_trees_answer_alike() -> None:
    """They share no class, and equal builds give equal weights."""
    args, kwargs = construction(Build("Grandchild", seed=2))
    with two_trees(SPEC) as trees:
        one, other = (tree.classes["Grandchild"] for tree in (trees.given, trees.plain))
        assert one is not other
        call = Call(0, rows=2, form="mixed")
        got = [answer(cls(*args, **kwargs), arguments_of(SPEC, call)) for cls in (one, other)]
        assert torch.equal(*got)
        assert trees.given.journal.notes == trees.plain.journal.notes


def test_forwards_are_counted_by_class() -> None:
    """All that a call runs, of the other tree, through `super()` too."""
    with two_trees(SPEC) as trees:
        module = trees.given.classes["Grandchild"]()
        with forwards_run(trees.plain.classes.values()) as ran:
            answer(module, arguments_of(SPEC, Call(0)))
        assert ran == {"Grandchild": 1, "Child": 1, "Root": 1}
        derived = trees.given.derived(trees.given.classes["Root"])()
        with forwards_run([trees.plain.classes["Root"], trees.plain.derived(nn.Module)]) as ran:
            answer(derived, arguments_of(SPEC, Call(0)))
        assert ran == {"Derived": 1, "Root": 1}


def test_compiled_forwards_do_not_count() -> None:
    """Once a call has been compiled, Python runs none of its forwards."""
    with fresh_torch(), two_trees(SPEC) as trees:
        module = trees.given.classes["Child"]()
        module.forward = torch.compile(module.forward, backend="eager")
        answer(module, arguments_of(SPEC, Call(0)))
        with forwards_run(trees.plain.classes.values()) as ran:
            module(torch.ones(3, 4))
        assert not ran
