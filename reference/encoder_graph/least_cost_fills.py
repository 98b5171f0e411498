"""What may join the largest item of a state in its bin: only contents that no other content beats.

Contents are *places* in the state, ascending, place 0 (the largest item) always among them. One content beats
another when it holds as many items or more, each nowhere smaller: what is left outside is then never dearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


class Fills:
    """The undominated contents for a bin with the first of these items, descending by tokens, then frames.

    Without a frame limit every item weighs 0 frames and `max_frames` is 0.
    """

    def __init__(self, tokens: Sequence[int], frames: Sequence[int], *, max_items: int, max_frames: int) -> None:
        self._tokens = tokens
        self._frames = frames
        self._max_items = max_items
        self._max_frames = max_frames
        self._sums = [0, *accumulate(tokens)]
        self._found: list[tuple[int, ...]] = []

    def within(self, budget: int, *, above: int, most_waste: int) -> list[tuple[int, ...]]:
        """Contents of more than `above` tokens, at most `budget`, with less than `most_waste` left empty."""
        self._found = []
        self._walk(
            [0],
            1,
            budget - self._tokens[0],
            self._max_frames - self._frames[0],
            min(most_waste, budget - above),
        )
        return self._found

    def _walk(self, chosen: list[int], place: int, room: int, frames_room: int, most_waste: int) -> None:
        """Decide for each item from `place` on: every content that starts with `chosen`."""
        tokens, frames, count = self._tokens, self._frames, len(self._tokens)
        seats = self._max_items - len(chosen)
        if seats:
            while place < count and (tokens[place] > room or frames[place] > frames_room):
                place += 1
        end = min(place + seats, count)
        if room - (self._sums[end] - self._sums[place]) >= most_waste:
            return
        if end == place:
            self._keep(chosen, room, frames_room)
            return
        size = tokens[place]
        self._walk([*chosen, place], place + 1, room - size, frames_room - frames[place], most_waste)
        other = place + 1
        while other < count and tokens[other] == size and frames[other] == frames[place]:
            other += 1
        # An item left out would fit into as much room as it is large, or into the place of a later mate and
        # that room. With a frame limit the mate may have more frames, and then neither beats the other.
        waste = most_waste if self._max_frames else min(most_waste, size)
        self._walk(chosen, other, room, frames_room, waste)

    def _keep(self, chosen: list[int], room: int, frames_room: int) -> None:
        """Note a finished content unless one step makes a better one: adding an item, or swapping one in."""
        tokens, frames = self._tokens, self._frames
        seats = self._max_items - len(chosen)
        for place in range(1, len(tokens)):
            if place in chosen:
                continue
            larger, longer = tokens[place], frames[place]
            if seats and larger <= room and longer <= frames_room:
                return
            for mate in chosen[1:]:
                more, longer_by = larger - tokens[mate], longer - frames[mate]
                if 0 <= more <= room and 0 <= longer_by <= frames_room and more + longer_by:
                    return
        self._found.append(tuple(chosen))
