"""Who serves the instances of a class tree: compiled code or Python, and which component's seconds it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from suite.contract.decoration import Call
from suite.contract.program import COMPONENTS
from suite.contract.verdict import Verdict, violated
from suite.oracles.class_trees import answer, forwards_run
from suite.properties.decorated import Instance, Workshop


def in_python(shop: Workshop, each: Instance, call: Call) -> Counter[str]:
    """Names of the classes whose forwards Python runs in a call that is not the first of its kind."""
    shop.ask(each, call)
    answer(each.twin, shop.given(call))
    with forwards_run(shop.twins.values()) as ran:
        shop.ask(each, call)
    answer(each.twin, shop.given(call))
    return ran


def in_eager(shop: Workshop, each: Instance, call: Call) -> Counter[str]:
    """Names of the classes whose forwards run in the same call of a plain instance."""
    with forwards_run(shop.twins.values()) as ran:
        answer(each.twin, shop.given(call))
    return ran


def near_decorated(shop: Workshop, each: Instance) -> bool:
    """Whether its class, or one above it, is decorated by now."""
    return any(issubclass(type(each.twin), shop.twins[name]) for name in shop.options)


def not_compiled(shop: Workshop, each: Instance, call: Call) -> Verdict | None:
    """A violation if Python runs forwards of an instance that is to compile."""
    ran = in_python(shop, each, call)
    if not ran:
        return None
    return violated(
        expected=f"compiled code serves {each} at {call}",
        actual=f"Python runs the forward of {', '.join(ran)}",
        because="the options, the configuration or the compiled program of this instance got lost",
    )


def base_not_compiled(shop: Workshop, each: Instance, call: Call) -> Verdict | None:
    """A violation if Python runs more of an instance than the forward that a user derived."""
    others = set(in_python(shop, each, call)) - {"Derived"}
    if not others:
        return None
    return violated(
        expected=f"compiled code serves what {each} calls of its base",
        actual=f"Python runs the forward of {', '.join(sorted(others))}",
        because="deriving from a decorated class loses what decoration did",
    )


def not_plain(shop: Workshop, each: Instance, call: Call) -> Verdict | None:
    """A violation if Python does not run all forwards that it runs in eager."""
    ran, wanted = in_python(shop, each, call), in_eager(shop, each, call)
    if ran == wanted:
        return None
    return violated(
        expected=f"Python runs {each} at {call}: {dict(wanted)}",
        actual=f"it runs {dict(ran) or 'none of them'}",
        because="what was not decorated, or is not enabled, is compiled too",
    )


def miscounted(shop: Workshop, wanted: Collection[str]) -> Verdict | None:
    """A violation if seconds are not counted for exactly these components."""
    facts = shop.bench.facts()
    counted = {name: facts.seconds(name) for name in COMPONENTS}
    if {name for name, seconds in counted.items() if seconds > 0} == set(wanted):
        return None
    return violated(
        expected=f"compile seconds of {' and '.join(sorted(wanted)) or 'no component'}",
        actual=", ".join(f"{name} {seconds:.4f} s" for name, seconds in counted.items()),
        because="the component that the decoration named is not the one that counts",
    )


def unclear(text: str, *, name: str) -> Verdict:
    """The violation of a refusal that says too little."""
    return violated(
        expected=f"a refusal that names {name}",
        actual=text,
        because="a user does not learn which class is meant",
    )
