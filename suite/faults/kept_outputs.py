"""Faults of a cache of outputs: keys of others, memory of others, sizes counted wrongly, the wrong one thrown out."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor

from models.api import Item
from reference.encoder_outputs import EncoderOutputs
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts

_OWN = "kept_outputs/gets-the-items-own-result"
_ONLY = "kept_outputs/answers-only-what-was-put"
_BOUND = "kept_outputs/held-within-its-bound"
_PINS = "kept_outputs/a-result-pins-no-batch"
_OUTLIVE = "kept_outputs/results-outlive-their-entries"
_WRITTEN = "kept_outputs/results-can-be-written"
_FITS = "kept_outputs/keeps-what-fits"
_RECENT = "kept_outputs/least-recently-used-goes-first"
_PAGE_ROWS = 64


class _KeyedByPixels(EncoderOutputs):
    """Takes items of equal pixels for one, whatever their shape."""

    def _key(self, item: Item) -> str:
        return str(item.pixels.flatten().tolist())


class _KeyedByLayout(EncoderOutputs):
    """Takes items of equal shape for one, as the graphs beside it do."""

    def _key(self, item: Item) -> str:
        return f"{item.modality} {item.grid}"


class _WritesIntoTheLast(EncoderOutputs):
    """Writes a result into the memory of the entry before it if both are of one shape, and keeps both."""

    def _own(self, result: Tensor) -> Tensor:
        last = next(reversed(self._kept.values()), None)
        return super()._own(result) if last is None or last.shape != result.shape else last.copy_(result)


class _DropsNothing(EncoderOutputs):
    """Leaves a dropped entry to be thrown out later."""

    def drop(self, item: Item) -> None:
        pass


class _ClearsHalf(EncoderOutputs):
    """Clears all entries but the newest."""

    def clear(self) -> None:
        while len(self._kept) > 1:
            self._evict()


class _EvictsOnce(EncoderOutputs):
    """Throws out one entry where several must go."""

    def _make_room(self, size: int) -> None:
        if self._kept and self.held_bytes + size > self.capacity_bytes:
            self._evict()


class _CountsElements(EncoderOutputs):
    """Counts elements and takes them for bytes."""

    def _size(self, result: Tensor) -> int:
        return result.numel()


class _KeepsPages(EncoderOutputs):
    """Keeps each result at the beginning of a page of rows, most of which nobody needs."""

    def _own(self, result: Tensor) -> Tensor:
        page = result.new_zeros(max(_PAGE_ROWS, len(result)), result.shape[1])
        return page[: len(result)].copy_(result)


class _WipesWhatGoes(EncoderOutputs):
    """Lends what it keeps, and writes zeros over what it throws out."""

    def _lent(self, kept: Tensor) -> Tensor:
        return kept

    def _evict(self) -> None:
        self._kept.popitem(last=False)[1].zero_()


class _OneTray(EncoderOutputs):
    """Hands every result out in one tensor, which the next one overwrites."""

    _tray = torch.empty(0, 0)

    def _lent(self, kept: Tensor) -> Tensor:
        if len(self._tray) < len(kept) or self._tray.shape[1:] != kept.shape[1:]:
            self._tray = torch.empty_like(kept)
        return self._tray[: len(kept)].copy_(kept)


class _LendsItsOwn(EncoderOutputs):
    """Gives out the very tensor that it keeps."""

    def _lent(self, kept: Tensor) -> Tensor:
        return kept


class _KeepsTheCallers(EncoderOutputs):
    """Keeps the very tensor that it was given, since nobody is thought to write into it."""

    def _own(self, result: Tensor) -> Tensor:
        return result


class _ClonesSlices(EncoderOutputs):
    """Copies only what is a slice of something larger."""

    def _own(self, result: Tensor) -> Tensor:
        whole = result.untyped_storage().nbytes() == self._size(result)
        return result if whole else super()._own(result)


class _NeverQuiteFull(EncoderOutputs):
    """Refuses what would fill the cache to the brim."""

    def put(self, item: Item, result: Tensor) -> bool:
        return self._size(result) < self.capacity_bytes and super().put(item, result)


class _NewestGoesFirst(EncoderOutputs):
    """Puts first and makes room afterwards, from the wrong end."""

    def put(self, item: Item, result: Tensor) -> bool:
        self._kept[self._key(item)] = self._own(result)
        while self._kept and self.held_bytes > self.capacity_bytes:
            self._kept.popitem(last=True)
        return True


class _OldestGoesFirst(EncoderOutputs):
    """Forgets that an entry was used again."""

    def _used(self, key: str) -> None:
        pass


class _EmptiesForTheTooLarge(EncoderOutputs):
    """Throws everything out for a result that cannot have room at all."""

    def put(self, item: Item, result: Tensor) -> bool:
        if self._size(result) > self.capacity_bytes:
            self._kept = OrderedDict()
        return super().put(item, result)


FAULTS = (
    Fault(
        id="kept_outputs/keyed-by-pixels",
        breaks="an image of the same pixels in another shape gets the first one's result",
        caught_by=(_OWN, _ONLY),
        parts=lambda: Parts(outputs=_KeyedByPixels),
    ),
    Fault(
        id="kept_outputs/keyed-by-layout",
        breaks="an image gets the result of another of its layout",
        caught_by=(_OWN, _ONLY),
        parts=lambda: Parts(outputs=_KeyedByLayout),
    ),
    Fault(
        id="kept_outputs/writes-into-the-last",
        breaks="a kept result turns into the next one of its shape",
        caught_by=(_OWN,),
        parts=lambda: Parts(outputs=_WritesIntoTheLast),
        source="BUG-G15",
    ),
    Fault(
        id="kept_outputs/drops-nothing",
        breaks="a dropped result is still given out",
        caught_by=(_ONLY,),
        parts=lambda: Parts(outputs=_DropsNothing),
    ),
    Fault(
        id="kept_outputs/clears-half",
        breaks="the newest result is still given out after all were cleared",
        caught_by=(_ONLY,),
        parts=lambda: Parts(outputs=_ClearsHalf),
    ),
    Fault(
        id="kept_outputs/evicts-once",
        breaks="one result is thrown out where several must go",
        caught_by=(_BOUND,),
        parts=lambda: Parts(outputs=_EvictsOnce),
    ),
    Fault(
        id="kept_outputs/counts-elements",
        breaks="elements are counted as bytes",
        caught_by=(_BOUND,),
        parts=lambda: Parts(outputs=_CountsElements),
    ),
    Fault(
        id="kept_outputs/keeps-pages",
        breaks="each result keeps a page of rows alive",
        caught_by=(_PINS, _BOUND),
        parts=lambda: Parts(outputs=_KeepsPages),
    ),
    Fault(
        id="kept_outputs/wipes-what-goes",
        breaks="a result that a caller has turns to zeros when its entry is thrown out",
        caught_by=(_OUTLIVE,),
        parts=lambda: Parts(outputs=_WipesWhatGoes),
    ),
    Fault(
        id="kept_outputs/one-tray",
        breaks="a result that a caller has turns into the next one that is got",
        caught_by=(_OUTLIVE,),
        parts=lambda: Parts(outputs=_OneTray),
        source="BUG-G15",
    ),
    Fault(
        id="kept_outputs/lends-its-own",
        breaks="a caller writes into what is kept",
        caught_by=(_WRITTEN,),
        parts=lambda: Parts(outputs=_LendsItsOwn),
    ),
    Fault(
        id="kept_outputs/keeps-the-callers",
        breaks="what is kept stays the tensor of whoever put it",
        caught_by=(_WRITTEN,),
        parts=lambda: Parts(outputs=_KeepsTheCallers),
        source="BUG-G16",
    ),
    Fault(
        id="kept_outputs/clones-slices",
        breaks="what is kept stays the caller's tensor unless it is a slice",
        caught_by=(_WRITTEN,),
        parts=lambda: Parts(outputs=_ClonesSlices),
        source="BUG-G16",
    ),
    Fault(
        id="kept_outputs/never-quite-full",
        breaks="a result as large as the cache is not kept",
        caught_by=(_FITS, _RECENT),
        parts=lambda: Parts(outputs=_NeverQuiteFull),
    ),
    Fault(
        id="kept_outputs/newest-goes-first",
        breaks="the result that was just put is thrown out for room",
        caught_by=(_FITS, _RECENT),
        parts=lambda: Parts(outputs=_NewestGoesFirst),
    ),
    Fault(
        id="kept_outputs/oldest-goes-first",
        breaks="a result that was just used is thrown out before others",
        caught_by=(_RECENT,),
        parts=lambda: Parts(outputs=_OldestGoesFirst),
    ),
    Fault(
        id="kept_outputs/empties-for-the-too-large",
        breaks="all results are thrown out for one that has no room",
        caught_by=(_RECENT,),
        parts=lambda: Parts(outputs=_EmptiesForTheTooLarge),
    ),
)
