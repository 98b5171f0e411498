"""Programs of decoration within the scope of a column: what the scope leaves out is taken out of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.class_trees import CHAIN, SIBLING
from suite.contract.decoration import Build, Call, Decorate, DecorationCase, Step, Subclass, TreeSpec
from suite.contract.scope import EVERYTHING, DecorationScope


def narrowed(case: DecorationCase, scope: DecorationScope) -> DecorationCase:
    """The case with what lies outside of the scope left out; the same case where nothing does."""
    if scope == EVERYTHING:
        return case
    steps = case.steps if scope.plain_beside else _without_plain(case.steps)
    return replace(case, tree=_tree(case.tree, scope), steps=_calls(steps, scope))


def _tree(tree: TreeSpec, scope: DecorationScope) -> TreeSpec:
    known = not scope.annotations or tree.annotation in scope.annotations
    features = tuple(name for name in tree.features if name not in scope.without)
    return replace(tree, annotation=tree.annotation if known else scope.annotations[0], features=features)


def _calls(steps: Sequence[Step], scope: DecorationScope) -> tuple[Step, ...]:
    """Calls with enough rows, and all in the form of the first if there is to be one."""
    form = next((step.form for step in steps if isinstance(step, Call)), None) if scope.one_form else None
    return tuple(
        replace(step, rows=max(step.rows, scope.fewest_rows), form=form or step.form)
        if isinstance(step, Call)
        else step
        for step in steps
    )


def _without_plain(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Steps without calls of plain instances of touched classes, and without making such after a decoration.

    Older ones are still made: only their calls are left out, so the places of the others stay what laws expect.
    """
    plainly = _plain(steps)
    begun = next((number for number, step in enumerate(steps) if isinstance(step, Decorate)), len(steps))
    dropped = {number for number in plainly if number > begun}
    made = [number for number, step in enumerate(steps) if isinstance(step, Build) and step.seed >= 0]
    left = [number for number in made if number not in dropped]
    kept: list[Step] = []
    for number, step in enumerate(steps):
        if isinstance(step, Call) and made:
            called = made[step.instance % len(made)]
            kept += [] if called in plainly else [replace(step, instance=left.index(called))]
        elif number not in dropped:
            kept.append(step)
    return tuple(kept)


def _plain(steps: Sequence[Step]) -> set[int]:
    """Places of the steps that make plain instances of decorated classes, or of classes below those."""
    decorated = {step.cls for step in steps if isinstance(step, Decorate)}
    decorated |= {step.name for step in steps if isinstance(step, Subclass) and step.cls in decorated}
    touched = {name for each in decorated for name in _below(each)}
    return {
        number
        for number, step in enumerate(steps)
        if isinstance(step, Build) and step.cls in touched and not (step.compiling and step.cls in decorated)
    }


def _below(name: str) -> tuple[str, ...]:
    """A class of a tree and those that derive from it."""
    if name not in CHAIN:
        return (name,)
    return (*CHAIN[CHAIN.index(name) :], *([SIBLING] if name == CHAIN[0] else []))
