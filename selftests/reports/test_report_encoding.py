"""The encoder says something about every object, in one line of ASCII, and the decoder reads it back."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.encoding import DEPTH_LIMIT, TEXT_LIMIT, Json, decode, encode

ANY_TEXT = st.text(st.characters())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
VALUES: st.SearchStrategy[Json] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT | st.just("$float"), inner),
    max_leaves=20,
)


class Hostile:
    """An object of which nothing can be learnt."""

    def __repr__(self) -> str:
        """Refuse."""
        raise RuntimeError("no")


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"


@dataclass(frozen=True)
class Pair:
    """A dataclass that is no record."""

    left: object
    right: object


@settings(deadline=None)
@given(value=VALUES)
def test_json_comes_back(value: Json) -> None:
    """What JSON can say comes back as it was, lone surrogates and non-finite floats included."""
    line = encode(value)
    assert line.isascii()
    assert "\n" not in line
    assert encode(decode(line)) == line


@given(value=st.recursive(LEAVES, lambda inner: st.lists(inner) | st.builds(Pair, inner, inner), max_leaves=9))
def test_one_line_for_anything(value: object) -> None:
    """Dataclasses and their contents become plain JSON that any reader accepts."""
    json.loads(encode(value), parse_constant=pytest.fail)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_non_finite(text: str) -> None:
    """Non-finite floats are named."""
    assert json.loads(encode(float(text))) == {"$float": text}
    again = decode(encode([float(text)]))
    assert isinstance(again, list)
    assert str(again[0]) == text


def test_dollar_keys_stay_themselves() -> None:
    """A caller's own `$float` is not taken for a float."""
    assert decode(encode({"$float": "nan", "$$x": 1})) == {"$float": "nan", "$$x": 1}
    assert decode(encode({"$float": "nan"})) == {"$float": "nan"}


def test_oversize_text_is_cut_aloud() -> None:
    """A cut string says how long it was; cutting it again changes nothing."""
    once = decode(encode("x" * 1_000_000))
    assert isinstance(once, str)
    assert len(once) == TEXT_LIMIT
    assert once.endswith("...[cut: 1000000 characters in all]")
    assert decode(encode(once)) == once
    assert decode(encode("x" * TEXT_LIMIT)) == "x" * TEXT_LIMIT


def test_what_json_has_no_word_for() -> None:
    """Sets, enumerations, bytes, huge numbers and hostile objects are said in words."""
    assert decode(encode({3, 1, 2})) == [1, 2, 3]
    assert decode(encode(Colour.RED)) == "red"
    assert decode(encode(b"\xff")) == "b'\\xff'"
    assert decode(encode({1: Hostile()})) == {"1": "<Hostile that cannot be encoded: RuntimeError>"}
    assert str(decode(encode(1 << 100_000))).startswith("0x1000")
    assert decode(encode(math.pi)) == math.pi


def test_cycles_and_depth_end() -> None:
    """A list that holds itself is cut at a depth that can be read."""
    cycle: list[object] = []
    cycle.append(cycle)
    line = encode(cycle)
    assert f"nested deeper than {DEPTH_LIMIT}" in line


@pytest.mark.parametrize("line", ["", "{", "[" * 200_000, '{"a": 1}{', "1" * 10_000])
def test_decoder_refuses_with_one_error(line: str) -> None:
    """Whatever is wrong with a line, the reader has one exception to catch."""
    with pytest.raises(ValueError, match=r"\w"):
        decode(line)
