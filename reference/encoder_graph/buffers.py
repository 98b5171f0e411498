"""Static buffers: allocated once, captured by address, refilled before every replay (SPEC G5, G6)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from reference.encoder_graph.device import GraphDevice


class BufferMismatch(ValueError):
    """Replay values that do not fit the captured buffers: the model's two preparations disagree."""


class StaticBuffers:
    """The tensors that one graph reads: the pixels under `input_key`, and metadata.

    The pixels may fill a part of their buffer, and the rest is reset to zero; every other buffer is always
    written whole, so nothing of an earlier batch survives.
    """

    def __init__(self, like: Mapping[str, Tensor], *, input_key: str, device: GraphDevice) -> None:
        self._input_key = input_key
        self.tensors = {name: device.allocate(tuple(value.shape), dtype=value.dtype) for name, value in like.items()}
        self.load(like)

    @property
    def bytes(self) -> int:
        """Bytes that the buffers hold."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Copies one batch in, into the same storage.

        Raises:
            BufferMismatch: other keys, shapes or dtypes than captured. Nothing has been written then.
        """
        self._check(values)
        for name, value in values.items():
            self.copy(name, value)

    def copy(self, name: str, value: Tensor) -> None:
        """Writes one buffer: the value, then zeros past it."""
        buffer = self.tensors[name]
        rows = value.shape[0] if value.dim() else 0
        if value.dim() and rows < buffer.shape[0]:
            buffer[rows:].zero_()
            buffer = buffer[:rows]
        buffer.copy_(value)

    def _check(self, values: Mapping[str, Tensor]) -> None:
        if values.keys() != self.tensors.keys():
            raise BufferMismatch(
                f"replay gives the buffers {sorted(values)}, but the capture had {sorted(self.tensors)}: "
                "both must come from the same preparation."
            )
        for name, value in values.items():
            self._check_one(name, value)

    def _check_one(self, name: str, value: Tensor) -> None:
        buffer = self.tensors[name]
        whole = value.shape == buffer.shape
        part = name == self._input_key and value.shape[1:] == buffer.shape[1:] and len(value) <= len(buffer)
        if value.dtype != buffer.dtype or not (whole or part):
            raise BufferMismatch(
                f"buffer {name!r} is {list(buffer.shape)} {buffer.dtype}, but the replay gives "
                f"{list(value.shape)} {value.dtype}: a copy must neither broadcast nor convert."
            )
