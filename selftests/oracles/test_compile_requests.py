"""When two compiles ask for the same."""

from __future__ import annotations

from dataclasses import replace

from suite.contract.compiling import SeenPiece
from suite.contract.program import CompileSetup, ProgramSpec, Start
from suite.oracles.compile_requests import Owner, normalised, owner, request

START = Start(ProgramSpec("scalar"), CompileSetup())
PIECE = SeenPiece(0, 0, 8, "compiled", "key", "eager | f32[s3, s1] | add %0 1.5 at 0x7f00deadbeef")


def test_names_of_symbols_and_addresses_do_not_matter() -> None:
    """Symbols are numbered in the order in which they are shown, and not made equal to each other."""
    other = replace(PIECE, program="eager |  f32[u0, s9] | add %0 1.5 at 0x7faadeadbeee", key="other", origin="loaded")
    assert request(START, PIECE) == request(START, other)
    assert normalised("f(s0, s1, s0)") == "f(size0, size1, size0)"
    assert normalised("f(s0, s0, s1)") != normalised("f(s0, s1, s0)")


def test_numbers_ranges_components_and_classes_matter() -> None:
    """Everything that changes the code, and whose it is, makes another request."""
    encoder = replace(START, setup=replace(START.setup, component="language_model"))
    requests = [
        request(START, PIECE),
        request(START, replace(PIECE, program=PIECE.program.replace("1.5", "1.25"))),
        request(START, replace(PIECE, end=None)),
        request(START, replace(PIECE, start=1)),
        request(encoder, PIECE),
        request(replace(START, program=ProgramSpec("twin")), PIECE),
    ]
    assert len(set(requests)) == len(requests)


def test_the_place_and_the_key_do_not_matter() -> None:
    """An equal piece elsewhere in a graph asks for the same."""
    assert request(START, PIECE) == request(START, replace(PIECE, index=4, key="", served=(3,)))


def test_an_owner_is_a_component_and_a_class() -> None:
    """Two programs may have classes of one name."""
    assert owner(START) == Owner("encoder", "Scalar") == owner(replace(START, program=ProgramSpec("namesake")))
    assert str(owner(START)) == "encoder Scalar"
