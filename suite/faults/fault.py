"""A fault as data: what it breaks, who must catch it, and the wrong part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suite.subjects.reference_parts import Parts


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One deliberate defect of the reference."""

    id: str
    """`area/name`, stable."""
    breaks: str
    """What is wrong, in one sentence."""
    caught_by: tuple[str, ...]
    """Ids of the laws that must each catch it; the law whose statement it breaks comes first."""
    parts: Callable[[], Parts]
    """The reference's parts with exactly one of them wrong; made afresh for every run."""
    family: str = "toy"
    """The family on which it shows."""
    column: str = ""
    """The arrangement of the subject on which it shows."""
    sampled: bool = False
    """Whether profile `smoke` plants it."""
    source: str | None = None
    """The public bug that it is modelled on."""
    lethal: bool = False
    """Whether it hangs or ends the process: it must be planted in a child process with limits."""

    raises: bool = False
    """Whether a good call that raises is the very defect; of any other fault, an exception of its own kills nothing."""

    @property
    def area(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]
