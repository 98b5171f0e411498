"""Class trees: small trees of classes of torch modules, made from a description, afresh each time."""

from __future__ import annotations

from models.class_trees.shape import ANNOTATIONS, CHAIN, FEATURES, FORWARDS, SIBLING, Shape
from models.class_trees.source import BAD
from models.class_trees.tree import FAILS, FORMS, WIDTH, ClassTree, Journal, arguments, class_tree

__all__ = [
    "ANNOTATIONS",
    "BAD",
    "CHAIN",
    "FAILS",
    "FEATURES",
    "FORMS",
    "FORWARDS",
    "SIBLING",
    "WIDTH",
    "ClassTree",
    "Journal",
    "Shape",
    "arguments",
    "class_tree",
]
