"""What transformers keeps for the whole process: classes by configuration, and kernels by name.

Read as data from the modules that are imported already. transformers is not imported for it, no mapping is asked for
a class (that imports the family), and the names of its fields are all that is known of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import cast

from suite.oracles.class_marks import Mark, mark, short_name, table, text
from suite.oracles.class_reading import ancestors, own_entries

PLACES = (
    "transformers.models.auto.configuration_auto",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.processing_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.auto.image_processing_auto",
    "transformers.models.auto.feature_extraction_auto",
    "transformers.models.auto.video_processing_auto",
    "transformers.modeling_utils",
    "transformers.masking_utils",
    "transformers.integrations.moe",
)
"""Modules whose values are looked through for registries."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "_LazyAutoMapping": ("_model_mapping", "_extra_content"),
    "_LazyConfigMapping": ("_mapping", "_extra_content"),
    "GeneralInterface": ("_local_mapping", "_global_mapping"),
}
"""Kinds of registry by the name of a class that theirs inherits from, and the fields that hold their entries."""


def registry_facts() -> dict[str, dict[str, Mark]]:
    """Entries of every registry by the registry's name; one seen under two names is given once."""
    found: dict[str, dict[str, Mark]] = {}
    seen: set[int] = set()
    for name, registry, places in _registries():
        entries: dict[str, Mark] = {}
        for field in places:
            value = _field(registry, field)
            if issubclass(type(value), dict) and id(value) not in seen:
                seen.add(id(value))
                entries.update(_entries(field, cast("dict[object, object]", value)))
        found[name] = entries
    return found


def _registries() -> Iterator[tuple[str, object, tuple[str, ...]]]:
    kinds: dict[type, tuple[str, ...]] = {}
    for place in PLACES:
        module = sys.modules.get(place)
        for name, value in list(vars(module).items()) if module else ():
            kind = type(value)
            if kind not in kinds:
                kinds[kind] = _fields_of(kind)
            if kinds[kind]:
                yield f"{place}.{name}", value, kinds[kind]


def _fields_of(kind: type) -> tuple[str, ...]:
    names = {short_name(each) for each in ancestors(kind)}
    return next((fields for name, fields in FIELDS.items() if name in names), ())


def _field(registry: object, name: str) -> object:
    """A field of the registry, or of its class."""
    own: dict[str, object] = object.__getattribute__(registry, "__dict__")
    if name in own:
        return own[name]
    return next((entries[name] for cls in ancestors(type(registry)) if name in (entries := own_entries(cls))), None)


def _entries(field: str, value: dict[object, object]) -> dict[str, Mark]:
    names, others = table(value)
    return {field: names, **{f"{field}[{text(mark(key))}]": mark(each, depth=1) for key, each in others}}
