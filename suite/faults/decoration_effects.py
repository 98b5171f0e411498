"""Faults of what decoration does beside compiling: to classes, instances, hooks, state, copies, and after an undo."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Mapping
from typing import Any

from torch import nn

from reference.compilation.decorator import support_torch_compile, undecorated
from reference.compilation.dynamic_dims import DecorationError
from suite.faults import injection
from suite.faults.decorated import Loose, Module, changed
from suite.faults.fault import Fault


def _writes_forward(made: Loose, original: Loose) -> None:
    """The class itself gets the new forward too."""
    original.forward = made.forward


def _replaces_name(made: Loose, original: Loose) -> None:
    """Everyone who asks the module for the class gets the decorated one."""
    setattr(sys.modules[original.__module__], original.__name__, made)


def _registers(made: Loose, original: Loose) -> None:
    """The decorated class is told to whoever keeps a list of subclasses."""
    if "registry" in dir(original):
        original.registry[made.__name__] = "decorated"


def _reads_a_mark(made: Loose, original: Loose) -> None:
    """A call looks for what only a new instance of the decorated class has."""
    plain = made.__init__

    def init(self: Loose, *args: object, **kwargs: object) -> None:
        plain(self, *args, **kwargs)
        self.do_not_compile = True

    def call(self: Loose, *args: object, **kwargs: object) -> object:
        return nn.Module.__call__(self, *args, **kwargs) if self.do_not_compile else None

    made.__init__, original.__call__ = init, call


def _calls_past_hooks(made: Loose, original: Loose) -> None:
    """A call goes to the compiled forward at once."""
    made.__call__ = lambda self, *args, **kwargs: self.forward(*args, **kwargs)


def _names_itself(made: Loose, original: Loose) -> None:
    """The decorated class has a name of its own."""
    made.__name__ = made.__qualname__ = f"Compiled{original.__name__}"


def _hides_signature(made: Loose, original: Loose) -> None:
    """The wrapper does not say what it wraps."""
    compiled = made.forward
    made.forward = lambda self, *args, **kwargs: compiled(self, *args, **kwargs)


def _renames_state(made: Loose, original: Loose) -> None:
    """State is that of a module inside."""
    plain = original.state_dict

    def state_dict(self: Loose, *args: object, **kwargs: object) -> Mapping[str, object]:
        return {f"_orig_mod.{name}": value for name, value in plain(self, *args, **kwargs).items()}

    made.state_dict = state_dict


def _copies_parameters(made: Loose, original: Loose) -> None:
    """Each call puts new parameters with the old values in place."""
    compiled = made.forward

    def forward(self: Loose, *args: object, **kwargs: object) -> object:
        answer = compiled(self, *args, **kwargs)
        self.weight = nn.Parameter(self.weight.detach().clone(), requires_grad=False)
        return answer

    made.forward = forward


def _pickles_the_original(made: Loose, original: Loose) -> None:
    """A pickle knows nothing of decoration."""

    def reduce(self: Loose, protocol: int) -> object:
        _, arguments, *rest = original.__reduce_ex__(self, protocol)
        return copyreg.__newobj__, (original, *arguments[1:]), *rest  # type: ignore[attr-defined]

    made.__reduce_ex__ = reduce


def _is_its_own_copy(made: Loose, original: Loose) -> None:
    """A deep copy is the instance itself, so that nothing compiles twice."""
    made.__deepcopy__ = lambda self, memo: self


def _keeping_classes() -> injection.MakeParts:
    """A list of all decorated classes, in which they stay."""
    kept: list[Module] = []
    return changed(lambda made, original: kept.append(made))


def _keeping_instances() -> injection.MakeParts:
    """A list of all instances, in which they stay."""
    kept: list[nn.Module] = []

    def change(made: Loose, original: Loose) -> None:
        plain = made.__init__

        def init(self: Loose, *args: object, **kwargs: object) -> None:
            plain(self, *args, **kwargs)
            kept.append(self)

        made.__init__ = init

    return changed(change)


def _leaves_alone(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """What cannot be decorated comes back as it was."""
    try:
        return support_torch_compile(cls, **options)
    except DecorationError:
        return cls


_MARK = "is_decorated"


def _marks_what_it_refuses(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """Writes to the class before it looks whether it can be decorated."""
    if not hasattr(undecorated(cls), _MARK):
        setattr(cls, _MARK, True)
    return support_torch_compile(cls, **options)


def _says_nothing(cls: Module, **options: Any) -> Module:  # noqa: ANN401 - the decorator's own
    """Every refusal has the same words."""
    try:
        return support_torch_compile(cls, **options)
    except DecorationError:
        raise DecorationError("this class cannot be decorated") from None


_ORIGINALS = "decoration_effects/originals-are-untouched"
_SIGNATURE = "decoration_effects/signature-stays"
_STATE = "decoration_effects/state-stays"
_COPIES = "decoration_copies/copies-answer-alike"
_UNDO = "decoration_copies/undo-restores"
_REFUSALS = "decoration_copies/refusals-change-nothing"

FAULTS = (
    Fault(
        id="decoration_effects/writes-to-the-class",
        breaks="the class that was decorated gets the compiled forward as well",
        caught_by=(_ORIGINALS,),
        parts=changed(_writes_forward),
    ),
    Fault(
        id="decoration_effects/replaces-the-name",
        breaks="the module of the class has the decorated one under its name from then on",
        caught_by=(_ORIGINALS,),
        parts=changed(_replaces_name),
    ),
    Fault(
        id="decoration_effects/enters-the-registry",
        breaks="the decorated class enters the original's registry of subclasses",
        caught_by=(_ORIGINALS,),
        parts=changed(_registers),
    ),
    Fault(
        id="decoration_effects/reads-a-mark",
        breaks="instances made before the decoration cannot be called any more",
        raises=True,
        caught_by=("decoration_effects/older-instances-stay",),
        parts=changed(_reads_a_mark),
    ),
    Fault(
        id="decoration_effects/calls-past-hooks",
        breaks="hooks of a decorated module do not fire",
        caught_by=("decoration_effects/hooks-fire",),
        parts=changed(_calls_past_hooks),
        source="BUG-H07",
    ),
    Fault(
        id="decoration_effects/names-itself",
        breaks="the decorated class has another name than its original",
        caught_by=(_SIGNATURE,),
        parts=changed(_names_itself),
    ),
    Fault(
        id="decoration_effects/hides-its-signature",
        breaks="the decorated forward takes anything, as far as one can see",
        caught_by=(_SIGNATURE,),
        parts=changed(_hides_signature),
    ),
    Fault(
        id="decoration_effects/renames-state",
        breaks="names of the state have a prefix, so no checkpoint fits",
        caught_by=(_STATE,),
        parts=changed(_renames_state),
    ),
    Fault(
        id="decoration_effects/copies-parameters",
        breaks="a call leaves other parameters behind than it found",
        caught_by=(_STATE,),
        parts=changed(_copies_parameters),
    ),
    Fault(
        id="decoration_effects/pickles-the-original",
        breaks="a copy of a decorated module is a plain one",
        caught_by=(_COPIES,),
        parts=changed(_pickles_the_original),
    ),
    Fault(
        id="decoration_effects/is-its-own-copy",
        breaks="a deep copy shares its weights with what it was made from",
        caught_by=(_COPIES,),
        parts=changed(_is_its_own_copy),
    ),
    Fault(
        id="decoration_effects/undo-keeps-the-subclass",
        breaks="after an undo the decorated class lives on below its original",
        caught_by=(_UNDO,),
        parts=lambda: _keeping_classes()(),
    ),
    Fault(
        id="decoration_effects/undoes-nothing",
        breaks="an undo gives the decorated class back",
        caught_by=(_UNDO,),
        parts=injection.decoration(undecorate=lambda cls: cls),
    ),
    Fault(
        id="decoration_effects/keeps-instances",
        breaks="every instance of a decorated class is held for good",
        caught_by=("decoration_copies/nothing-lives-on",),
        parts=lambda: _keeping_instances()(),
    ),
    Fault(
        id="decoration_effects/leaves-alone-what-it-cannot",
        breaks="a class that cannot be decorated comes back plain, without a word",
        caught_by=(_REFUSALS,),
        parts=injection.decoration(decorate=_leaves_alone),
    ),
    Fault(
        id="decoration_effects/marks-what-it-refuses",
        breaks="a class whose decoration was refused is written to",
        caught_by=(_REFUSALS,),
        parts=injection.decoration(decorate=_marks_what_it_refuses),
    ),
    Fault(
        id="decoration_effects/refuses-without-a-name",
        breaks="a refusal does not say which class is meant",
        caught_by=(_REFUSALS,),
        parts=injection.decoration(decorate=_says_nothing),
    ),
)
