"""Which modules of a loaded model run compiled, beside those that its wishes name (SPEC D1, D2, D5)."""

from __future__ import annotations

from collections import Counter

from suite.contract.verdict import Verdict, violated
from suite.oracles.running import inside
from suite.properties.loads import LoadedBeside


def wrong_parts(each: LoadedBeside, tokens: int, *, decoder_may_stay: bool = False) -> Verdict | None:
    """A violation if in a warm call Python does not run exactly what is outside of the wished parts.

    What the model itself calls of a part, as multimodal models do with the embedding, is outside. An encoder may stay
    eager if torch does not trace it as one graph and a warning names it. What stock torch.compile makes of a part that
    is not one graph, or gives up, is torch's own.
    """
    ran, stock = each.in_python(tokens), each.load.wishes.mode == "stock"
    eager = [path for path in each.wished if ran[path]]
    for path in eager:
        strict = path == each.decoder and not stock
        if not (decoder_may_stay if strict else not each.twin.traces(path, tokens, whole=not stock)):
            return _not_compiled(each, path)
        if not strict and not stock and not _named(each, path):
            return _silent(each, path)
    roots = tuple(path for path in each.wished if stock or path not in eager)
    return _unequal(each, ran, each.besides(tokens, roots), roots)


def _named(each: LoadedBeside, path: str) -> bool:
    """Whether a warning names the class of a module."""
    return any(each.class_name(path) in line for line in each.loaded.facts().warnings)


def _unequal(each: LoadedBeside, ran: Counter[str], wanted: Counter[str], roots: tuple[str, ...]) -> Verdict | None:
    """A violation at the first module that Python runs more or less often than it runs outside of compiled parts."""
    missing, surplus = wanted - ran, ran - wanted
    if each.load.wishes.mode == "stock":
        # It may break the graph inside of a part: Python runs what is between, and compiles what that calls.
        for path in inside({*missing, *surplus}, roots):
            del missing[path], surplus[path]
    if not missing and not surplus:
        return None
    if missing:
        path = min(missing)
        said, why = "is not run by Python", "more than the wished parts is compiled"
    else:
        path = min(surplus)
        said, why = "is run by Python", "a wished part runs in Python, or something runs twice"
    return violated(
        expected=f"{each}: what runs compiled is {' and '.join(roots) or 'nothing'}, all else runs in Python once",
        actual=f"{path or 'the model itself'} {said}: {ran[path]} times, not {wanted[path]}; so are "
        f"{len(missing | surplus) - 1} others",
        because=why,
    )


def _not_compiled(each: LoadedBeside, path: str) -> Verdict:
    return violated(
        expected=f"{each}: {path} ({each.class_name(path)}) runs compiled: torch.compile alone does it",
        actual="Python ran it in a warm call",
        because="the part was not found, not decorated, or it gave up",
    )


def _silent(each: LoadedBeside, path: str) -> Verdict:
    return violated(
        expected=f"{each}: a warning names {each.class_name(path)}, which stays eager",
        actual=f"the warnings are {list(each.loaded.facts().warnings)}",
        because="what was wished is not done, and nothing says so",
    )
