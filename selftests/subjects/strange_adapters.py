"""Adapters as somebody else would write them, right and wrong, for `--subject` to find."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from models.api import Family, Item
from models.towers import build_tower
from suite.contract.public import (
    Adapter,
    AdapterBroken,
    AdapterSession,
    Capabilities,
    Refused,
    Replacement,
    ScriptPart,
    Setup,
)
from suite.subjects.column import Column


class Solo(AdapterSession):
    """Each item alone."""

    def __init__(self, family: Family) -> None:
        self._tower = build_tower(family.name)

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """In eager."""
        return [self._tower.encode(item.pixels, item.grid) for item in items]


class Silent(Solo):
    """Loses what it is given."""

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """Nothing."""
        return []


class Honest(Adapter):
    """Right, and able to do nothing beyond the common laws."""

    name = "honest"
    version = "1.2.3"

    def start(self, family: Family, setup: Setup) -> Solo:
        """A session."""
        return Solo(family)


class Replacing(Honest):
    """Puts something in the place of a part of its engine, and says so."""

    replacements = (Replacement("the kernels", "plain torch", "there is no GPU"),)


class Unclear(Honest):
    """Says it in another form."""

    replacements = ("the kernels",)  # type: ignore[assignment]  # the form is what is wrong


class Boastful(Honest):
    """Declares what its session does not have."""

    capabilities = Capabilities(statistics=True)


class Broken(Honest):
    """Does not get as far as its engine."""

    def start(self, family: Family, setup: Setup) -> Solo:
        """Fails as an adapter does whose engine has changed."""
        raise ModuleNotFoundError("No module named 'engine'")


class Choosy(Honest):
    """Serves one family alone."""

    def start(self, family: Family, setup: Setup) -> Solo:
        """A session of that family.

        Raises:
            Refused: another family.
        """
        if family.name != "gemma3":
            raise Refused(f"no {family.name}")
        return Solo(family)


class Forgetful(Honest):
    """Its session answers nothing."""

    def start(self, family: Family, setup: Setup) -> Solo:
        """A session that answers nothing."""
        return Silent(family)


class Modelled(Honest):
    """Is told which model to run, and where."""

    def __init__(self, device: str, model: type = str) -> None:
        self.version = f"{device} {model.__name__}"


class Halfway:
    """Has a name and no more."""

    name = "halfway"


def both(device: str) -> tuple[Column, ...]:
    """Two ways to one implementation."""
    return (Column(Honest(), text=f"on {device}"), Column(Honest(), name="other way"))


def nameless() -> list[Column]:
    """Two columns, of which none is the first."""
    return [Column(Honest(), name="a"), Column(Honest(), name="b")]


def missing() -> Honest:
    """Says that the engine is not here."""
    raise AdapterBroken("looked for an engine and found none")


class OneBuffer(Solo):
    """Gives the same memory away again and again."""

    def __init__(self, family: Family) -> None:
        super().__init__(family)
        self._buffer: Tensor | None = None

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """The one item, in memory that the next one overwrites. Larger ones are refused."""
        (answer,) = super().encode(items)
        self._buffer = answer if self._buffer is None else self._buffer.copy_(answer)
        return [self._buffer]


class Scripted(Honest):
    """Its answers do not last, and it can be written as a script."""

    def start(self, family: Family, setup: Setup) -> OneBuffer:
        """A session that hands its buffer out."""
        return OneBuffer(family)

    def script(self, family: Family, setup: Setup) -> ScriptPart:
        """Its session by itself."""
        return ScriptPart(
            imports=("from selftests.subjects.strange_adapters import OneBuffer",),
            lines=("encode = OneBuffer(FAMILY).encode",),
        )


NUMBER = 5
