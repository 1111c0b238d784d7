"""What a step's own execution says is wrong: refusal, silence, loss. Pure."""

from __future__ import annotations

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
    reading, step = here.reading, here.step.id
    if not reading.text:
        return ()
    sent = here.arguments
    found: list[Problem] = [
        MissingArgument(step=step, at=(name,), name=name, message=f"the upstream asks for {name!r}")
        for name in reading.missing
    ]
    found.extend(
        UnexpectedArgument(step=step, at=(name,), name=name, forbidden=True, message=f"the upstream refuses {name!r}")
        for name in reading.unexpected
    )
    for where, kind in reading.wanted.items():
        value = inside(sent, where)
        if value is not MISSING:
            found.append(
                UntypedRefused(step=step, at=where, value=value, wanted=kind, message=f"the upstream wants {kind} here")
            )
    for where, allowed in reading.allowed.items():
        value = inside(sent, where)
        if value is not MISSING:
            found.append(
                ValueNotAllowed(
                    step=step, at=where, value=value, allowed=allowed, message="the upstream lists what it accepts"
                )
            )
    first = next((line.strip() for line in reading.text.splitlines() if line.strip()), "")
    found.append(Refused(step=step, text=reading.text, named=reading.named, message=first[:300]))
    return tuple(found)


def run_problems(run: StepRun, text: str = "") -> tuple[Problem, ...]:
    """What one execution itself says: refusal, silence, loss, a broken output."""
    step = run.step
    text = text or (error_text(run.reply) if run.reply is not None else "")
    first = next((line.strip() for line in text.splitlines() if line.strip()), text)[:300]
    match run.verdict:
        case Verdict.OK | Verdict.BLOCKED:
            return ()
        case Verdict.SILENT:
            return (
                SilentFailure(
                    step=step, text=text, message=f"success was reported, but the result is an error: {first}"
                ),
            )
        case Verdict.UNKNOWN:
            timed = run.reply is not None and run.reply.lost is Lost.TIMED_OUT
            lost = TimedOut(step=step, message=first or "no answer in time") if timed else None
            unknown = OutcomeUnknown(
                step=step, message=f"the call may have had its effect and is not sent again: {first}"
            )
            return (lost, unknown) if lost else (unknown,)
        case Verdict.NOT_SENT:
            if run.reply is not None and run.reply.lost is not None:
                return (UpstreamDown(step=step, message=first or "the upstream is not there"),)
            return ()
        case Verdict.NOT_EXECUTED | Verdict.REFUSED | Verdict.FAILED:
            return run.problems or (Refused(step=step, text=text, message=first),)
