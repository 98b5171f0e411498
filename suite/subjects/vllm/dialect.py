"""Which form of vLLM's encoder-graph protocol a release speaks, told by looking at its code and not at its version."""

from __future__ import annotations

from dataclasses import dataclass, fields


class UnknownDialect(Exception):
    """The protocol is none of those known: the text says what was looked for."""


@dataclass(frozen=True)
class Dialect:
    """One form of the protocol, by where it differs from the others."""

    letter: str
    releases: str
    """Releases that were seen to speak it."""
    counts_items: bool = False
    """Sizes of items come from three methods instead of one list of specs."""
    one_mapping: bool = True
    """Pixels and metadata are one mapping `values`, padded by functions that the model names."""
    shared_pool: bool = True
    """`capture` takes the pool in which all graphs are captured."""
    paths: bool = True
    """Graphs lie in a table per path of the encoder."""
    names_stream: bool = False
    """The stream of a capture is the engine's own current stream."""


PER_ITEM = Dialect("A", "0.20", counts_items=True, one_mapping=False, shared_pool=False, paths=False)
SPECS = Dialect("B", "0.22", one_mapping=False, shared_pool=False, paths=False)
DUAL_PATH = Dialect("C", "0.25")
PATHS = Dialect("D", "0.28")
AXES = Dialect("E", "0.30 to 0.33", names_stream=True)
DIALECTS = (PER_ITEM, SPECS, DUAL_PATH, PATHS, AXES)


def recognise(protocol: type, config: type) -> Dialect:
    """The dialect of a release's protocol and of the dataclass in which a model configures its graphs.

    Raises:
        UnknownDialect: neither is as in any release that is known.
    """
    if hasattr(protocol, "get_encoder_cudagraph_num_items"):
        return PER_ITEM
    names = {each.name for each in fields(config)}
    for mark, dialect in (
        ("input_key_by_modality", SPECS),
        ("enable_dual_path_graph", DUAL_PATH),
        ("capture_axes", AXES),
        ("paths", PATHS),
    ):
        if mark in names:
            return dialect
    raise UnknownDialect(
        f"{config.__name__} has the fields {', '.join(sorted(names))}, and {protocol.__name__} has no "
        "get_encoder_cudagraph_num_items: looked for input_key_by_modality, enable_dual_path_graph, capture_axes "
        f"and paths, as in the releases {', '.join(each.releases for each in DIALECTS)}"
    )
