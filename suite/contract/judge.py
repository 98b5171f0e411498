"""One law, one case, one subject: a verdict, whatever the subject does (DESIGN rule 4)."""

from __future__ import annotations

import traceback
from pathlib import Path

from suite.contract.calls import SubjectFailed
from suite.contract.case import AnyCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import Law
from suite.contract.subject import AdapterBroken, Disturbance, Refused
from suite.contract.verdict import Verdict, unknown, violated

_EMULATOR = Path(__file__).resolve().parents[1] / "emulator"


def judge(law: Law, case: AnyCase, subject: GuardedSubject) -> Verdict:
    """The law's verdict; a subject that fails is `violated`, a law or an adapter that fails is `unknown`."""
    try:
        verdict: object = law.check(case, subject)
    except SubjectFailed as failure:
        return violated(
            expected=law.statement,
            actual=str(failure),
            because=_cause(failure),
            sheet=failure.sheet,
        )
    except Refused as refusal:
        return violated(
            expected=f"the configuration of {case} is valid",
            actual=f"refused: {refusal}",
            because="the strategy draws this law's configurations within what every subject must accept",
        )
    except Disturbance as planted:
        return violated(
            expected=law.statement,
            actual=f"the planted failure reached the caller: {planted}",
            because="a failure was not answered where the law says that it must be",
        )
    except AdapterBroken as broken:
        return unknown(f"adapter broken: {broken}")
    except Exception as error:
        return unknown(f"the check itself failed: {''.join(traceback.format_exception(error))}")
    return (
        verdict
        if isinstance(verdict, Verdict)
        else unknown(f"the check returned {type(verdict).__name__}, not a verdict")
    )


def _cause(failure: SubjectFailed) -> str:
    """The place in the subject where its exception came from, or that the form of its answer is wrong."""
    origin = failure.__cause__
    if origin is None:
        return "the answer's form is wrong before any value is looked at"
    frames = traceback.extract_tb(origin.__traceback__)
    if not frames:
        return "it was raised in another process, of which only the words came back"
    # The emulator refuses on the subject's behalf: its own lines say nothing of what the subject did.
    frame = next((each for each in reversed(frames) if Path(each.filename).parent != _EMULATOR), frames[-1])
    return f"raised at {frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} in {frame.name}: {frame.line}"
