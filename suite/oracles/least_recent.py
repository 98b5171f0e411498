"""Which keys a cache has that makes room by its least recently used ones: a list and a sum, nothing else."""

from __future__ import annotations

from collections.abc import Hashable


class LeastRecent:
    """Keys with sizes, the least recently put or asked for first."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._keys: list[tuple[Hashable, int]] = []

    def put(self, key: Hashable, size: int) -> None:
        """The key comes last; others go from the front until it has room. One that never has room changes nothing."""
        if self.get(key) or size > self._room:
            return
        while sum(each for _, each in self._keys) + size > self._room:
            self._keys.pop(0)
        self._keys.append((key, size))

    def get(self, key: Hashable) -> bool:
        """Whether the key is there; it then comes last."""
        found = next((each for each in self._keys if each[0] == key), None)
        if found is None:
            return False
        self._keys.remove(found)
        self._keys.append(found)
        return True

    def drop(self, key: Hashable) -> None:
        """The key goes."""
        self._keys = [each for each in self._keys if each[0] != key]

    def clear(self) -> None:
        """All keys go."""
        self._keys = []

    def has(self, key: Hashable) -> bool:
        """Whether the key is there; nothing moves."""
        return any(each == key for each, _ in self._keys)
