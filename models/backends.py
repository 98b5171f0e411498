"""Attention back ends: the form in which each wants its sequence metadata (SPEC G10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

_SMALLEST_BUCKET = 8


class Backend(Protocol):
    """Rewrites the metadata of variable-length attention for one back end."""

    @property
    def name(self) -> str:
        """The name under which callers ask for it."""
        ...

    def rewrite(self, metadata: dict[str, Tensor]) -> dict[str, Tensor]:
        """Exact or padded flash metadata to this back end's; shapes follow from shapes alone."""
        ...


@dataclass(frozen=True)
class Flash:
    """Takes `cu_*` offsets as they are."""

    name: str = "flash"

    def rewrite(self, metadata: dict[str, Tensor]) -> dict[str, Tensor]:
        """The same metadata."""
        return metadata


@dataclass(frozen=True)
class Bucketed:
    """Takes packed offsets, and lengths for a bucket of sequences.

    Each `cu_x` of shape `[sequences + 1]` becomes `[2 * (bucket + 1)]`: a section for queries, keys and
    outputs, then one for values. Beside it stands the length of every sequence, `[bucket]`, zero where the
    bucket is not filled. Buckets are powers of two, at least 8.
    """

    name: str = "bucketed"

    def rewrite(self, metadata: dict[str, Tensor]) -> dict[str, Tensor]:
        """Flash metadata to packed offsets and lengths.

        Raises:
            ValueError: there are no offsets to pack.
        """
        rewritten = dict(metadata)
        names = [each for each in metadata if is_offsets(each)]
        if not names:
            raise ValueError("The bucketed back end packs sequence offsets, and this tower has none: use flash.")
        for name in names:
            offsets = self.section(metadata[name])
            rewritten[name] = self.pack(offsets)
            rewritten[lengths_name(name)] = offsets.diff()
        return rewritten

    def section(self, offsets: Tensor) -> Tensor:
        """`[sequences + 1]` to `[bucket + 1]`, the last offset repeated."""
        missing = self.bucket(offsets.shape[0] - 1) + 1 - offsets.shape[0]
        return torch.cat([offsets, offsets[-1:].expand(missing)])

    def pack(self, section: Tensor) -> Tensor:
        """One section to both: queries, keys and outputs, then values."""
        return torch.cat([section, section])

    def bucket(self, sequences: int) -> int:
        """The smallest bucket that holds so many sequences."""
        return max(_SMALLEST_BUCKET, 1 << (sequences - 1).bit_length())


def is_offsets(name: str) -> bool:
    """Whether metadata of this name holds cumulative sequence lengths, as transformers names them."""
    return name.startswith("cu_")


def lengths_name(name: str) -> str:
    """The keyword of the lengths beside offsets: `window_sequence_lengths` beside `cu_window_seqlens`."""
    return name.removeprefix("cu_").replace("seqlens", "sequence_lengths")


BACKENDS: tuple[Backend, ...] = (Flash(), Bucketed())
"""Every back end of the zoo."""
