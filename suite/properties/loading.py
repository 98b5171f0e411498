"""Laws of loading: whole models load, exactly what should compile does, and their answers are eager's (SPEC D)."""

from __future__ import annotations

import time
from collections.abc import Callable

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.loading import LoadCase
from suite.contract.program import COMPONENTS
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.dynamo import counted
from suite.oracles.whole_models import plain_model
from suite.properties.compiled_parts import wrong_parts
from suite.properties.loads import LoadedBeside, all_loaded

NEEDS = ("loads_models",)


def _first(case: LoadCase, subject: GuardedSubject, check: Callable[[LoadedBeside], Verdict | None]) -> Verdict:
    """Loads the models of the case and looks at each; the first violation."""
    with all_loaded(case, subject) as loads:
        verdict = next((found for each in loads if (found := check(each))), None)
        return verdict or holds(margin=max(each.margin for each in loads))


@law(
    "loading/values",
    source=("SPEC D1", "SPEC D2", "BUG-H04", "BUG-H08"),
    inputs="loads",
    needs=NEEDS,
    everywhere=True,
    kind=LoadCase,
    cost=60.0,
    ignores="what really compiles; several models in one process",
)
def values(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Every answer of a loaded model is that of the plain model with the same weights, for every length of text."""
    return _first(case, subject, LoadedBeside.first_wrong)


@law(
    "loading/exactly-the-parts",
    source=("SPEC D1", "SPEC D2", "SPEC D3", "SPEC D5", "BUG-H01", "BUG-H05", "BUG-H08"),
    inputs="warm_loads",
    needs=NEEDS,
    everywhere=True,
    kind=LoadCase,
    cost=60.0,
    ignores="values; into how many programs a part is compiled",
)
def exactly_the_parts(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Compiled is the decoder, and the encoders if they were wished: all that is outside of them runs in Python."""
    return _first(case, subject, _wrong_when_warm)


def _wrong_when_warm(each: LoadedBeside) -> Verdict | None:
    for tokens in each.load.calls:
        each.loaded.logits(each.twin.inputs(tokens))
    return wrong_parts(each, each.load.calls[-1])


@law(
    "loading/encoder-not-by-default",
    source=("SPEC D2", "BUG-H01"),
    inputs="unasked_encoders",
    needs=NEEDS,
    kind=LoadCase,
    cost=26.0,
    ignores="values, and the decoder",
)
def encoder_not_by_default(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """If the user says nothing of encoders, or no, each of their modules runs in Python, and no warning names them."""

    def check(each: LoadedBeside) -> Verdict | None:
        tokens = each.load.calls[0]
        each.loaded.logits(each.twin.inputs(tokens))
        compiled = each.below(*each.encoders) & each.compiled(tokens)
        named = [line for line in each.loaded.facts().warnings if any(map(line.__contains__, _encoder_classes(each)))]
        if not compiled and not named:
            return None
        return violated(
            expected=f"{each}: its encoders run in Python, and no warning is about them",
            actual=f"compiled: {sorted(compiled)[:3] or 'nothing'}; warnings: {named}",
            because="the model is decorated as a whole, or the flag is on unless it is said",
        )

    return _first(case, subject, check)


@law(
    "loading/seconds-by-component",
    source=("SPEC D2", "SPEC T2", "BUG-H01", "BUG-T03"),
    inputs="asked_encoders",
    needs=NEEDS,
    kind=LoadCase,
    cost=26.0,
    ignores="how many seconds; stock torch.compile, which is counted nowhere",
)
def seconds_by_component(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Of a loaded model the decoder's compile seconds are a language model's, those of its encoders an encoder's."""

    def check(each: LoadedBeside) -> Verdict | None:
        begun = time.perf_counter()
        tokens = each.load.calls[0]
        each.loaded.logits(each.twin.inputs(tokens))
        passed = time.perf_counter() - begun
        facts, compiled = each.loaded.facts(), each.compiled(tokens)
        parts = {"language_model": (each.decoder,), "encoder": each.encoders}
        for component in COMPONENTS:
            seconds, counts = facts.seconds(component), bool(compiled & set(parts[component]))
            if (seconds > 0) != counts or seconds > passed:
                return violated(
                    expected=f"{each}: {'some' if counts else 'no'} seconds of {component}, at most {passed:.2f} s",
                    actual=f"{seconds:.4f} s",
                    because="a part is decorated as the other component, or not counted",
                )
        return None

    return _first(case, subject, check)


@law(
    "loading/says-what-compiles",
    source=("SPEC D1", "SPEC D2", "SPEC D5"),
    inputs="asked_encoders",
    needs=NEEDS,
    kind=LoadCase,
    cost=26.0,
    ignores="what should compile",
)
def says_what_compiles(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """After a call the paths that the subject says it compiles are those of the parts that do not run in Python."""

    def check(each: LoadedBeside) -> Verdict | None:
        tokens = each.load.calls[0]
        each.loaded.logits(each.twin.inputs(tokens))
        seen = each.compiled(tokens) & {each.decoder, *each.encoders}
        said = set(each.loaded.facts().compiled)
        if seen == said:
            return None
        return violated(
            expected=f"{each} says that it compiles {sorted(seen)}",
            actual=f"it says {sorted(said)}",
            because="a part that gave up is still called compiled, or one that compiles is not named",
        )

    return _first(case, subject, check)


@law(
    "loading/encoder-warning",
    source=("SPEC D5",),
    inputs="quiet_loads",
    needs=NEEDS,
    kind=LoadCase,
    cost=5.0,
    ignores="warnings that come with calls, as of an encoder that does not trace",
)
def encoder_warning(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """A load that will compile encoders warns once, with their class and the limits; any other load does not warn."""

    def check(each: LoadedBeside) -> Verdict | None:
        lines = each.loaded.facts().warnings
        wanted = _encoder_classes(each) if set(each.wished) & set(each.encoders) else ()
        if len(lines) == bool(wanted) and all(word in lines[0] for word in (*wanted, *(LIMITS if wanted else ()))):
            return None
        return violated(
            expected=f"{each}: {f'one warning with {wanted} and the limits {LIMITS}' if wanted else 'no warning'}",
            actual=f"the warnings are {list(lines)}",
            because="a user cannot know what to expect of compiled encoders, or is told of what was not asked",
        )

    return _first(case, subject, check)


LIMITS = ("graph", "platform", "eager")
"""Words of the limits: one graph, platforms with a compiler, all others stay eager."""


def _encoder_classes(each: LoadedBeside) -> tuple[str, ...]:
    return tuple(map(each.class_name, each.encoders))


@law(
    "loading/rope",
    source=("BUG-H02",),
    inputs="ropes",
    needs=NEEDS,
    kind=LoadCase,
    cost=26.0,
    ignores="whether the decoder compiles where its embedding depends on the longest text so far",
)
def rope(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Whatever a configuration says of rotary embeddings, or if it says nothing, the model loads and answers as eager.

    The decoder compiles, but for embeddings that depend on the longest text so far.
    """

    def check(each: LoadedBeside) -> Verdict | None:
        tokens = each.load.calls[-1]
        return each.first_wrong() or wrong_parts(each, tokens, decoder_may_stay=each.twin.remembers)

    return _first(case, subject, check)


@law(
    "loading/no-trace-after-warm-up",
    source=("SPEC C3", "SPEC D4", "BUG-C11"),
    inputs="texts",
    needs=NEEDS,
    kind=LoadCase,
    cost=26.0,
    ignores="values; models that loop over tokens; the program for a single token, which warm-up has made",
)
def no_trace_after_warm_up(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """After a text of one token and one of another length, torch traces nothing for any further length."""

    def check(each: LoadedBeside) -> Verdict | None:
        for number, tokens in enumerate(each.load.calls):
            with counted() as traced:
                each.loaded.logits(each.twin.inputs(tokens))
            if number > 1 and (traced.graphs or traced.frames):
                return violated(
                    expected=f"{each}: {tokens} tokens are served by what was traced for {each.load.calls[:2]}",
                    actual=f"torch traced anew: {traced}",
                    because="a dim that follows the number of tokens is not marked for one of the arguments",
                )
        return None

    return _first(case, subject, check)


@law(
    "loading/new-weights",
    source=("SPEC D6",),
    inputs="asked_encoders",
    needs=NEEDS,
    kind=LoadCase,
    cost=26.0,
    ignores="weights of other shapes, and new parameters in place of the old",
)
def new_weights(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Weights that are loaded after the first call are those of all later answers."""

    def check(each: LoadedBeside) -> Verdict | None:
        if wrong := each.first_wrong():
            return wrong
        state = plain_model(each.load.model).state_dict()
        each.loaded.ask("load_state_dict", lambda: each.loaded.model.load_state_dict(state))
        return each.first_wrong()

    return _first(case, subject, check)
