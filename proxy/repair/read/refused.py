"""What a step's own execution says is wrong: refusal, silence, loss. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.repair.read.refusal import error_text
from proxy.repair.view.step import StepView
from proxy.repair.view.values import MISSING, inside
from schemas.problem import (
    MissingArgument,
    OutcomeUnknown,
    Problem,
    Refused,
    SilentFailure,
    TimedOut,
    UnexpectedArgument,
    UntypedRefused,
    UpstreamDown,
    ValueNotAllowed,
)
from schemas.trial import Lost, StepRun, Verdict


def refusal_problems(here: StepView) -> tuple[Problem, ...]:
    """What the upstream's error text adds to the static problems of the very call it answers."""
    return tuple(_refusal_problems(here)) if here.reading.text else ()


def _refusal_problems(here: StepView) -> Iterator[Problem]:
    reading, step, sent = here.reading, here.step.id, here.arguments
    for name in reading.missing:
        yield MissingArgument(step=step, at=(name,), name=name, message=f"the upstream asks for {name!r}")
    for name in reading.unexpected:
        message = f"the upstream refuses {name!r}"
        yield UnexpectedArgument(step=step, at=(name,), name=name, forbidden=True, message=message)
    for where, kind in reading.wanted.items():
        if (value := inside(sent, where)) is not MISSING:
            message = f"the upstream wants {kind} here"
            yield UntypedRefused(step=step, at=where, value=value, wanted=kind, message=message)
    for where, allowed in reading.allowed.items():
        if (value := inside(sent, where)) is not MISSING:
            message = "the upstream lists what it accepts"
            yield ValueNotAllowed(step=step, at=where, value=value, allowed=allowed, message=message)
    yield Refused(step=step, text=reading.text, named=reading.named, message=_first(reading.text))


def _first(text: str) -> str:
    """The first line of a text that says anything."""
    return next((line.strip() for line in text.splitlines() if line.strip()), text)[:300]


def run_problems(run: StepRun, text: str = "") -> tuple[Problem, ...]:
    """What one execution itself says: refusal, silence, loss, a broken output."""
    step = run.step
    text = text or (error_text(run.reply) if run.reply is not None else "")
    first = _first(text)
    match run.verdict:
        case Verdict.OK | Verdict.BLOCKED:
            return ()
        case Verdict.SILENT:
            why = f"success was reported, but the result is an error: {first}"
            return (SilentFailure(step=step, text=text, message=why),)
        case Verdict.UNKNOWN:
            timed = run.reply is not None and run.reply.lost is Lost.TIMED_OUT
            lost = (TimedOut(step=step, message=first or "no answer in time"),) if timed else ()
            why = f"the call may have had its effect and is not sent again: {first}"
            return (*lost, OutcomeUnknown(step=step, message=why))
        case Verdict.NOT_SENT:
            if run.reply is not None and run.reply.lost is not None:
                return (UpstreamDown(step=step, message=first or "the upstream is not there"),)
            return ()
        case Verdict.NOT_EXECUTED | Verdict.REFUSED | Verdict.FAILED:
            return run.problems or (Refused(step=step, text=text, message=first),)
