"""What the audit of some transcripts comes to: totals, figures by tool, what was assumed. Pure, and without secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.audit.captures import FORMAT as CAPTURE
from proxy.audit.catalogs import Known
from proxy.audit.exports import FORMAT as EXPORT
from proxy.audit.judge import VERDICTS, Failure
from proxy.audit.messages import CLAUDE_CODE, CODEX, OPENAI
from proxy.audit.transcript import CHAT, Transcript
from proxy.store.diff import unified
from proxy.store.redact import Redaction

ALWAYS = (
    "nothing was sent: a repaired call counts as one that works, unless the transcript holds that very call's answer",
    "rules alone: neither the planner nor the repair memory was asked",
)
SHOWN = 400
"""Characters of an error that are shown."""


@dataclass(frozen=True)
class Audited:
    """One transcript with what was found in it."""

    transcript: Transcript
    known: Known
    failures: tuple[Failure, ...]


def report(found: Sequence[Audited], redaction: Redaction) -> dict[str, Any]:
    """The whole report as JSON values."""
    failures = [failure for audited in found for failure in audited.failures]
    told: dict[str, Any] = {
        "files": [_file(audited) for audited in found],
        "totals": _totals(found, failures),
        "agent": _agent(failures),
        "tools": _tools(found, failures),
        "assumed": [*ALWAYS, *dict.fromkeys(text for audited in found for text in _assumed(audited))],
    }
    told = {key: redaction.value(part) for key, part in told.items()}
    every = (_failure(audited.transcript.file, one) for audited in found for one in audited.failures)
    return {**told, "failures": [{key: redaction.value(part) for key, part in one.items()} for one in every]}


def _file(audited: Audited) -> dict[str, Any]:
    transcript = audited.transcript
    return {
        "file": transcript.file,
        "format": transcript.format,
        "records": transcript.lines,
        "sessions": len(transcript.sessions),
        "calls": len(transcript.calls),
        "failed": len(audited.failures),
        "unreadable": transcript.unread,
        "malformed": [{"line": line, "why": why} for line, why in transcript.malformed],
        "left_aside": dict(transcript.left),
        "own_tools": transcript.elsewhere,
        "tools_from": dict(audited.known.sources),
    }


def _totals(found: Sequence[Audited], failures: Sequence[Failure]) -> dict[str, int]:
    verdicts = Counter(failure.verdict for failure in failures)
    return {
        "calls": sum(len(audited.transcript.calls) for audited in found),
        "failed": len(failures),
        **{name: verdicts[name] for name in VERDICTS},
        "confirmed": sum(failure.verdict == "repaired" and failure.confirmed is True for failure in failures),
        "contradicted": sum(failure.verdict == "repaired" and failure.confirmed is False for failure in failures),
        "unanswered": sum(past.reply is None for audited in found for past in audited.transcript.calls.values()),
        "own_tools": sum(audited.transcript.elsewhere for audited in found),
        "unreadable": sum(audited.transcript.unread for audited in found),
    }


def _agent(failures: Sequence[Failure]) -> dict[str, int]:
    """What the agent mended by itself; a try that failed belongs to the call that it was to mend."""
    mended = [failure for failure in failures if failure.retry is not None]
    first = [failure for failure in mended if not failure.again]
    compared = [failure for failure in mended if failure.verdict == "repaired"]
    return {
        "mended": len(first),
        "turns": sum(failure.retry.turns for failure in first if failure.retry is not None),
        "turns_saved": sum(f.retry.turns for f in first if f.retry is not None and f.verdict == "repaired"),
        "agreed": sum(failure.agrees is True for failure in compared),
        "compared": len(compared),
        "suggestions_agreed": sum(f.agrees is True for f in mended if f.verdict in ("tried", "suggested")),
        "suggestions_compared": sum(f.agrees is not None for f in mended if f.verdict in ("tried", "suggested")),
    }


def _tools(found: Sequence[Audited], failures: Sequence[Failure]) -> list[dict[str, Any]]:
    """Figures by tool, what fails most first."""
    calls = Counter((past.server, past.name) for audited in found for past in audited.transcript.calls.values())
    by_tool = Counter((one.past.server, one.past.name) for one in failures)
    verdicts = Counter((one.past.server, one.past.name, one.verdict) for one in failures)
    rows = [
        {
            "server": server,
            "tool": tool,
            "calls": count,
            "failed": by_tool[server, tool],
            **{name: verdicts[server, tool, name] for name in VERDICTS if verdicts[server, tool, name]},
        }
        for (server, tool), count in calls.items()
    ]
    return sorted(rows, key=lambda row: (-row["failed"], -row["calls"], row["server"], row["tool"]))


def _assumed(audited: Audited) -> Iterable[str]:
    sources, transcript = audited.known.sources, audited.transcript
    supposed = sorted(server for server, source in sources.items() if source == "supposed")
    if supposed:
        yield (
            f"the tools of {', '.join(supposed)} are supposed from calls that worked: no list of them is in the "
            "transcript (--servers asks the configured servers)"
        )
    configured = sorted(server for server, source in sources.items() if source == "configuration")
    if configured:
        yield f"the tools of {', '.join(configured)} are as their servers list them today"
    if transcript.format == OPENAI or any(not past.stated for past in transcript.calls.values()):
        yield f"{transcript.format} do not say whether a call failed: that is read from the answer's text"
    if CHAT in sources:
        yield "tools whose names tell no server count as one server's, and calls of tools that no list holds as sent"
    if transcript.format in (CLAUDE_CODE, CODEX) and transcript.elsewhere:
        yield "the client's own tools reach no MCP server and are left out"
    if transcript.format == CAPTURE:
        yield "in a capture every call counts as a turn of its own"
    if transcript.format == EXPORT:
        yield "in a journal every call counts as a turn of its own, and secrets in it were redacted before"


def _failure(file: str, failure: Failure) -> dict[str, Any]:
    past, retry = failure.past, failure.retry
    told: dict[str, Any] = {
        "file": file,
        "line": past.called.line,
        "session": past.called.session[:80],
        "server": past.server,
        "tool": past.name,
        "arguments": past.arguments,
        "error": failure.error[:SHOWN],
        "verdict": failure.verdict,
    }
    if failure.why:
        told["why"] = failure.why
    if failure.repairs:
        told |= {"repairs": list(failure.repairs), "repaired": failure.after}
        told["diff"] = unified(_bare(failure.before), _bare(failure.after))
    if failure.confirmed is not None:
        told["confirmed"] = failure.confirmed
    if retry is not None:
        told["agent"] = {"turns": retry.turns, "tries": len(retry.tries), "arguments": retry.found.arguments}
        told["agent"] |= {"tool": retry.found.name, "line": retry.found.called.line}
        if failure.agrees is not None:
            told["agent"]["agrees"] = failure.agrees
    if failure.again:
        told["retry_of_an_earlier_one"] = True
    return told


def _bare(call: Any) -> Any:
    """A call as it is shown: its tool and its arguments."""
    return {key: call[key] for key in ("tool", "arguments") if key in (call or {})}
