"""The aspects of classes and instances that are compared, each with the row of SPEC D6 that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Row = Literal["state", "hooks", "earlier", "class", "copies", "undo"]
Of = Literal["class", "module", "instance", "process"]

ROWS: Mapping[Row, str] = MappingProxyType(
    {
        "state": "`state_dict` keys, parameter identity, `isinstance` with the original class",
        "hooks": "forward hooks and pre-hooks",
        "earlier": "instances made before; plain use of the class afterwards, in the same process",
        "class": "class identity, bases, MRO, signature, module namespace",
        "copies": "pickling, deep copy, `torch.save` of the module's state",
        "undo": "undo",
    }
)
"""Rows of SPEC D6's table. Values and second decorations are no matter of snapshots: laws see them by calling."""

PROMISES: Mapping[Row, str] = MappingProxyType(
    {
        "state": "unchanged",
        "hooks": "still there, and they fire",
        "earlier": "keep working; untouched where the subject leaves classes",
        "class": "unchanged where the subject leaves classes",
        "copies": "work or are refused clearly; work where the subject says so",
        "undo": "restores everything, where there is one",
    }
)
"""What SPEC D6 asks of each row: of everyone, and of subjects with the capability for it."""


@dataclass(frozen=True)
class Aspect:
    """One thing that is compared."""

    name: str
    of: Of
    row: Row
    is_asked: bool = False
    """Whether it is learnt by running the subject's code (a probe), and so only when it is wanted."""


def _aspects(of: Of, row: Row, *names: str, is_asked: bool = False) -> dict[str, Aspect]:
    return {name: Aspect(name, of, row, is_asked) for name in names}


ASPECTS: Mapping[str, Aspect] = MappingProxyType(
    {
        **_aspects("class", "class", "class", "name", "metaclass", "bases", "MRO", "__dict__", "functions"),
        **_aspects("class", "class", "signature", "annotations", "docstring", "weak references"),
        **_aspects("class", "class", "source", is_asked=True),
        **_aspects("class", "state", "issubclass", "registered subclasses"),
        **_aspects("class", "undo", "subclasses"),
        **_aspects("module", "class", "namespace"),
        **_aspects("process", "earlier", "registry", "global hooks"),
        **_aspects("instance", "earlier", "instance class", "attributes", "training"),
        **_aspects("instance", "earlier", "repr", is_asked=True),
        **_aspects("instance", "hooks", "hooks"),
        **_aspects("instance", "state", "parameters", "state_dict keys", "isinstance"),
        **_aspects("instance", "state", "state_dict", "isinstance when asked", is_asked=True),
        **_aspects("instance", "copies", "pickling", "deep copy", "saved state", is_asked=True),
    }
)
"""Every aspect by name. Living subclasses belong to undo: decoration may add one, and has to take it away."""
PROBES = tuple(name for name, aspect in ASPECTS.items() if aspect.is_asked)
"""Names of the aspects that must be asked for."""
