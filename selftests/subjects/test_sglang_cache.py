"""SGLang's cache of outputs without SGLang: recognised by its code, and judged together with a runner of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftests.properties.hunting import hunt
from selftests.subjects.invented_runner import GivesItsOutput, SoundRunner
from suite.contract.subject import AdapterBroken
from suite.contract.verdict import Outcome
from suite.subjects.sglang.cache import PATH, CacheDialect, cache_dialect
from suite.subjects.sglang.columns import SglangSubject
from suite.subjects.sglang.dialect import PATCHES, Dialect
from suite.subjects.sglang.parts import TRITON

CACHE = """
from dataclasses import dataclass
from sglang.srt.mem_cache.allocator import BaseTokenToKVPoolAllocator

@dataclass(kw_only=True)
class EmbeddingResult:
    embedding: object

class MultiModalStaticCache:
    def __init__(self, max_size):
        self.max_size, self.mm_cache = max_size, {}
    def set(self, mm_hash, embedding, loc=None):
        size = embedding.embedding.nbytes
        if mm_hash in self.mm_cache or size > self.max_size:
            return
        while sum(each.embedding.nbytes for each in self.mm_cache.values()) + size > self.max_size:
            self.mm_cache.pop(next(iter(self.mm_cache)))
        if COPIES or embedding.embedding.untyped_storage().nbytes() > size:
            embedding = EmbeddingResult(embedding=embedding.embedding.clone())
        self.mm_cache[mm_hash] = embedding
    def get_single(self, mm_hash):
        return self.mm_cache.get(mm_hash)
    def free(self, mm_hash, allocator: BaseTokenToKVPoolAllocator):
        self.mm_cache.pop(mm_hash, None)
    def clear(self):
        self.mm_cache.clear()
"""
FAMILY = PATCHES.families[1]
OWN = "kept_outputs/gets-the-items-own-result"


def _dialect(folder: Path, *, copies: bool = True, text: str = CACHE) -> CacheDialect | None:
    """The cache of a made-up release below the folder."""
    file = folder / PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"COPIES = {copies}\n{text}")
    return cache_dialect(folder, backend=TRITON)


def _subject(cache: CacheDialect | None, runner: type[object] = SoundRunner) -> SglangSubject:
    return SglangSubject({PATCHES: Dialect(runner)}, version="invented", cache=cache)


def test_a_release_without_such_a_cache_keeps_nothing(tmp_path: Path) -> None:
    """Neither one without the file, nor one whose cache has no single items."""
    assert cache_dialect(tmp_path, backend=TRITON) is None
    none = _dialect(tmp_path, text=CACHE.replace("get_single", "get_all"))
    assert none is None
    assert not _subject(none).capabilities.keeps_outputs
    with pytest.raises(AdapterBroken, match="no cache of single items"):
        _subject(none).start_keeping(None, None, 0)  # type: ignore[arg-type]  # refused before either is looked at


@pytest.mark.parametrize(
    "name", ["answers-only-what-was-put", "held-within-its-bound", "results-outlive-their-entries"]
)
def test_no_law_catches_a_sound_cache(tmp_path: Path, name: str) -> None:
    """The facet hands over items, bytes and tensors as they are."""
    found = hunt(f"kept_outputs/{name}", _subject(_dialect(tmp_path)), examples=6, family=FAMILY)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


def test_the_cache_and_the_runner_are_judged_together(tmp_path: Path) -> None:
    """A copy of slices alone is enough after a runner that copies, and not after one that gives its buffer."""
    slices = _dialect(tmp_path, copies=False)
    assert hunt(OWN, _subject(slices), examples=12, family=FAMILY).verdict.outcome is Outcome.HOLDS
    found = hunt(OWN, _subject(slices, GivesItsOutput), examples=40, family=FAMILY)
    assert found.verdict.outcome is Outcome.VIOLATED
    copies = _dialect(tmp_path, copies=True)
    assert hunt(OWN, _subject(copies, GivesItsOutput), examples=12, family=FAMILY).verdict.outcome is Outcome.HOLDS
