"""Class trees are real: they can be built, called, pickled and read, and nothing of them is left afterwards."""

from __future__ import annotations

import inspect
import pickle
import sys
from typing import Any

import pytest
import torch

from models.class_trees import ANNOTATIONS, BAD, FAILS, FEATURES, FORMS, Shape, arguments, class_tree

NAME = "invented_class_tree"
SHAPES = {
    **{f"annotated {name}": Shape(1, "super", name) for name in ANNOTATIONS},
    **{name: Shape(2, "super", features=frozenset({name})) for name in FEATURES},
    "everything": Shape(2, "super", "future", frozenset(FEATURES)),
    "inherited": Shape(2, features=frozenset({"keyword", "rest", "positional"})),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_tree_can_be_called(name: str) -> None:
    """Every class, in every form of a call, for any number of rows; equal seeds give equal answers."""
    shape = SHAPES[name]
    with class_tree(NAME, shape) as tree, torch.no_grad():
        for cls in (*tree.classes.values(), tree.derived(tree.classes["Root"])):
            made: Any = cls
            for form in FORMS:
                for rows in (0, 1, 3):
                    args, kwargs = arguments(shape, rows, form=form)
                    answer = made(4, 1, prefix="a", config=None)(*args, **kwargs)
                    assert answer.shape == (rows, 4)
                    assert torch.equal(answer, made(4, 1)(*args, **kwargs))


def test_rows_do_not_see_each_other() -> None:
    """A row alone is what it is among others, so sizes may vary."""
    shape = Shape(1, "super", features=frozenset({"mixin", "tied"}))
    with class_tree(NAME, shape) as tree, torch.no_grad():
        module: Any = tree.classes["Child"]()
        rows = torch.randn(5, 4)
        torch.testing.assert_close(module(rows)[2:3], module(rows[2:3]))


def test_forwards_and_constructors_fail_where_they_should() -> None:
    """With an exception of the tree's own."""
    with class_tree(NAME, Shape(1)) as tree:
        trouble: type[Exception] = tree.module.Trouble
        module: Any = tree.classes["Child"]()
        args, kwargs = arguments(tree.shape, 2, times=FAILS)
        with pytest.raises(trouble, match="thirteen times"):
            module(*args, **kwargs)
        with pytest.raises(trouble, match="seed -1 is below zero"):
            tree.classes["Child"](4, -1)


def test_a_tree_is_found_while_it_is_there() -> None:
    """By pickle, by its source and by name; each time it is another one, and afterwards none."""
    with class_tree(NAME, Shape(1, "super")) as tree:
        first = tree.classes["Child"]
        assert sys.modules[NAME] is tree.module
        assert type(pickle.loads(pickle.dumps(first()))) is first
        assert "super().forward" in inspect.getsource(first.forward)
        assert [note[1] for note in tree.journal.notes] == ["Child", "Root"]
        assert all(isinstance(tree.bad(name), type) for name in BAD)
    assert NAME not in sys.modules
    with class_tree(NAME, Shape(1, "super")) as tree:
        assert tree.classes["Child"] is not first


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"depth": 3}, "depth 3: choose 0 to 2"),
        ({"forward": "own"}, "forward 'own': choose one of inherited, super"),
        ({"annotation": "int"}, "annotation 'int': choose one of tensor, "),
        ({"features": frozenset({"wings"})}, "feature 'wings': choose one of counts, "),
    ],
)
def test_what_does_not_exist_is_refused(wrong: dict[str, Any], words: str) -> None:
    """With what does."""
    with pytest.raises(ValueError, match=words):
        Shape(**wrong)


def test_an_unknown_form_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="form 'sideways': choose one of defaults, "):
        arguments(Shape(), 1, form="sideways")
