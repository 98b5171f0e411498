"""What a class tree is like: its depth, its forwards, how their arguments are annotated, and what else is odd in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

ANNOTATIONS: Mapping[str, tuple[str, str]] = {
    "tensor": ("Tensor", "Tensor | None"),
    "optional": ("torch.Tensor", "Optional[Tensor]"),
    "float": ("torch.FloatTensor", "Optional[torch.FloatTensor]"),
    "union": ("Union[Tensor, None]", "Union[Tensor, None]"),
    "string": ("'Tensor'", "'Tensor | None'"),
    "future": ("Tensor", "Optional[Tensor]"),
    "checking": ("'Tensor'", "'Optional[FloatTensor]'"),
    "annotated": ("Annotated[Tensor, 'rows']", "Optional[Annotated[Tensor, 'rows']]"),
}
"""Of the first and the second tensor; `checking` has a name that exists for type checkers alone."""
FORWARDS = ("inherited", "super")
"""What classes below the root do: they inherit its forward, or override and call it."""
FEATURES = (
    "counts",
    "mixin",
    "tied",
    "keyword",
    "positional",
    "rest",
    "new",
    "metaclass",
    "registry",
    "call",
    "hooks",
    "state",
    "reduce",
    "slots",
)
"""A buffer that each call changes; a mixin; a tied parameter; keyword-only, positional-only and `*rest` arguments; an
own `__new__`, metaclass, `__init_subclass__` with a keyword, `__call__`; a hook made in `__init__`; an own
`__getstate__`, `__reduce__`; `__slots__`."""
CHAIN = ("Root", "Child", "Grandchild")
SIBLING = "Sibling"


@dataclass(frozen=True)
class Shape:
    """One tree.

    Raises:
        ValueError: something of it does not exist.
    """

    depth: int = 0
    """Classes below the root, one below the other."""
    forward: str = "inherited"
    annotation: str = "tensor"
    features: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what no source can be written for."""
        if self.depth not in range(len(CHAIN)):
            raise ValueError(f"depth {self.depth}: choose 0 to {len(CHAIN) - 1}")
        for name, value, valid in (
            ("forward", self.forward, FORWARDS),
            ("annotation", self.annotation, tuple(ANNOTATIONS)),
            *(("feature", each, FEATURES) for each in self.features),
        ):
            if value not in valid:
                raise ValueError(f"{name} {value!r}: choose one of {', '.join(valid)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its classes, the root first and the root's other child last."""
        return (*CHAIN[: self.depth + 1], SIBLING)

    def edges(self) -> tuple[tuple[str, str], ...]:
        """Base and derived class, in the order in which they are made."""
        chain = CHAIN[: self.depth + 1]
        return (*pairwise(chain), (CHAIN[0], SIBLING))
