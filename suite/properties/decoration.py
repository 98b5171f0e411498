"""Decorated classes: what runs compiled, what does not, and that both answer as plain eager does."""

from __future__ import annotations

from suite.contract.decoration import Call, Decorate, DecorationCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.dynamo import counted
from suite.properties.decorated import Instance, Workshop, in_workshop
from suite.properties.decorated_at_once import threads
from suite.properties.served import base_not_compiled, miscounted, near_decorated, not_compiled, not_plain, unclear

NEEDS = ("decorates",)


@law(
    "decoration/values-equal-eager",
    source=("SPEC D4", "SPEC D6"),
    inputs="decorations",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="whether anything is compiled, and gradients",
)
def values_equal_eager(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Every call of every instance, decorated or not, gives eager's answer and leaves eager's buffers behind."""

    def body(shop: Workshop) -> Verdict:
        return shop.play(case.steps) or holds(margin=shop.margin)

    return in_workshop(case, subject, body)


@law(
    "decoration/exactly-the-decorated",
    source=("SPEC D3", "SPEC D4", "BUG-H01"),
    inputs="decorations",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="values; of a subject that writes to classes, plain instances of these and of what derives from them",
)
def exactly_the_decorated(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Instances of decorated classes that are to compile are served by compiled code; Python runs all others."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        verdicts = (_served_wrongly(shop, each) for each in shop.instances)
        return next((wrong for wrong in verdicts if wrong), None) or holds()

    return in_workshop(case, subject, body)


def _served_wrongly(shop: Workshop, each: Instance) -> Verdict | None:
    call = next((step for step in shop.calls() if shop.instance(step) is each), Call(each.number))
    if shop.compiles(each):
        return not_compiled(shop, each, call)
    return not_plain(shop, each, call) if shop.leaves_classes or not near_decorated(shop, each) else None


@law(
    "decoration/seconds-of-the-named-component",
    source=("SPEC D4", "SPEC T1", "SPEC T2"),
    inputs="decorations",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="how many seconds; modes other than full count nothing that is promised",
)
def seconds_of_the_named_component(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Compile seconds are counted for the components of the decorated classes that were called, and for no other."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        called = [shop.instance(step) for step in shop.calls() if shop.instances]
        wanted = {each.options.component for each in called if each.options and shop.compiles(each)}
        wanted = wanted if case.wishes.mode == "full" else set()
        return miscounted(shop, wanted) or holds()

    return in_workshop(case, subject, body)


@law(
    "decoration/same-again-is-nothing",
    source=("SPEC D6",),
    inputs="decorated_again",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="whether another class comes back",
)
def same_again_is_nothing(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """A second decoration with the same options is accepted; a call is traced, and counted, as after the first."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(step for step in case.steps if not isinstance(step, Call)):
            return wrong
        for call in shop.calls():
            with counted() as traced:
                wrong = shop.call(call)
            each = shop.instance(call)
            if wrong := wrong or not_compiled(shop, each, call):
                return wrong
            if traced.graphs > 1:
                return violated(
                    expected=f"{each}, whose class was decorated twice alike, is traced once",
                    actual=f"torch counted {traced}",
                    because="a wrapper was put around a wrapper, and both compile",
                )
        wanted = {each.options.component for each in shop.instances if each.options}
        return _noted_otherwise(shop) or miscounted(shop, wanted) or holds()

    return in_workshop(case, subject, body)


@law(
    "decoration/other-options-are-not-ignored",
    source=("SPEC D6",),
    inputs="decorated_otherwise",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="instances made before the second decoration; whether it is refused or takes effect",
)
def other_options_are_not_ignored(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """A second decoration with other options is refused in words that name the class, or its options are in effect."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        unnamed = [text for text in shop.refused if "Root" not in text]
        if unnamed:
            return unclear(unnamed[0], name="Root")
        each = shop.instances[-1]
        call = next(shop.calls())
        wrong = not_compiled(shop, each, call) if shop.compiles(each) else not_plain(shop, each, call)
        wanted = {each.options.component for each in shop.instances if each.options and shop.compiles(each)}
        return wrong or miscounted(shop, wanted) or holds()

    return in_workshop(case, subject, body)


@law(
    "decoration/constructed-once",
    source=("SPEC D6",),
    inputs="constructions",
    needs=NEEDS,
    kind=DecorationCase,
    cost=3.0,
    ignores="what a metaclass sees, which is called first",
)
def constructed_once(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Each instance runs its own `__new__` and `__init__` once, with the user's arguments, whatever their names."""

    def body(shop: Workshop) -> Verdict:
        return shop.play(case.steps) or _noted_otherwise(shop) or holds()

    return in_workshop(case, subject, body)


def _noted_otherwise(shop: Workshop) -> Verdict | None:
    got, want = shop.trees.given.journal.notes, shop.trees.plain.journal.notes
    if got == want:
        return None
    first = next((pair for pair in zip(got, want, strict=False) if pair[0] != pair[1]), None)
    return violated(
        expected=f"constructors note {len(want)} lines" + (f", among them {first[1]}" if first else ""),
        actual=f"{len(got)} lines" + (f", with {first[0]} in its place" if first else ""),
        because="a constructor runs twice or not at all, or is given other arguments than the user's",
    )


@law(
    "decoration/derived-classes",
    source=("SPEC D6",),
    inputs="derived",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="whether the derived class may itself be decorated",
)
def derived_classes(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """A class below a decorated one, its forward calling its base's, answers as in eager and is traced once a call."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(step for step in case.steps if not isinstance(step, Call)):
            return wrong
        for call in shop.calls():
            with counted() as traced:
                wrong = shop.call(call)
            each = shop.instance(call)
            if wrong := wrong or base_not_compiled(shop, each, call):
                return wrong
            if traced.graphs > 1:
                return violated(
                    expected=f"one call of {each} is traced once",
                    actual=f"torch counted {traced}",
                    because="the derived class and its base are compiled one inside the other",
                )
        unnamed = [text for text in shop.refused if "Derived" not in text]
        return unclear(unnamed[0], name="Derived") if unnamed else holds(margin=shop.margin)

    return in_workshop(case, subject, body)


@law(
    "decoration/failures-pass",
    source=("SPEC D6",),
    inputs="failing",
    needs=NEEDS,
    kind=DecorationCase,
    cost=21.0,
    ignores="tracebacks, and what an exception is chained to",
)
def failures_pass(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """What a constructor or forward raises reaches the user as in eager; later calls are right, and still compiled."""

    def body(shop: Workshop) -> Verdict:
        if wrong := shop.play(case.steps):
            return wrong
        sound = [step for step in shop.calls() if not step.fails]
        verdicts = (not_compiled(shop, shop.instance(call), call) for call in sound)
        return next((wrong for wrong in verdicts if wrong), None) or holds()

    return in_workshop(case, subject, body)


@law(
    "decoration/two-threads",
    source=("SPEC D6", "BUG-C07"),
    inputs="at_once",
    needs=(*NEEDS, "decorates_at_once"),
    kind=DecorationCase,
    cost=21.0,
    ignores="the order in which two threads do things, which differs from run to run",
)
def two_threads(case: DecorationCase, subject: GuardedSubject) -> Verdict:
    """Two threads that decorate a class and call it at once get what they get one after the other."""

    def body(shop: Workshop) -> Verdict:
        one, other = (step for step in case.steps if isinstance(step, Decorate))
        alike = one.options == other.options and _is_one_class(shop, one)
        together = threads(shop, (one, other))
        if alike and together[0].cls is not together[1].cls:
            return violated(
                expected=f"both threads get one decorated class of {one.cls}, as two decorations in turn do",
                actual="each gets a class of its own",
                because="between the look for a class that is made already and its making, nothing is locked",
            )
        return next((wrong for each in together if (wrong := each.wrong(shop))), None) or holds(margin=shop.margin)

    return in_workshop(case, subject, body)


def _is_one_class(shop: Workshop, step: Decorate) -> bool:
    """Whether two decorations in turn give the same class, tried on a class that no thread decorates."""
    sibling = shop.classes["Sibling"]
    first = shop.bench.decorate(sibling, step.options)
    return shop.bench.decorate(sibling, step.options) is first
