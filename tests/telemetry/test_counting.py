"""What records count for, which signals the environment asks for, and what content may stand in a span."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from proxy.telemetry import opening, wishes
from proxy.telemetry.content import Content
from proxy.telemetry.metrics import CALLS, DURATION, Labels, Metric, Read
from proxy.telemetry.records import NAMES, Counting, abstained, error_type
from proxy.tracing import followed
from schemas.record import CallRecord, RunRecord
from schemas.report import Stop

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


class Kept:
    """A backend that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Labels]] = []

    def add(self, metric: Metric, amount: float, labels: Labels = ()) -> None:
        assert amount == 1
        self.told.append((metric.name, labels))

    def record(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        del value
        self.told.append((metric.name, labels))

    def watch(self, metric: Metric, read: Read) -> None:
        del metric, read


def call(tool: str, outcome: str = "ok", server: str = "s", **more: Any) -> CallRecord:
    return CallRecord("call_1", 0.0, "session", server, tool, {}, outcome, **more)


def run(status: str, stop: Stop | None = None) -> RunRecord:
    report = {"search": {"stop": stop.sentence}} if stop is not None else None
    return RunRecord("run_1", 0.0, "workflow", "session", status, {}, {}, report=report)


def test_a_name_that_no_server_lists_is_other() -> None:
    kept = Kept()
    count = Counting(kept, lambda server, tool: (server, tool) == ("s", "listed"))
    for record in (call("listed"), call("invented"), call("anything", "unknown_tool", "")):
        count(record)
    labels = [told for name, told in kept.told if name == CALLS.name]
    assert labels == [("s", "listed", "ok"), ("s", "other", "ok"), ("other", "other", "unknown_tool")]
    assert [name for name, _ in kept.told].count(DURATION.name) == 2, "what was not sent took no time"


def test_a_server_that_renames_its_tools_without_end_makes_no_endless_labels() -> None:
    kept = Kept()
    count = Counting(kept, lambda server, tool: True)
    for number in range(NAMES + 50):
        count(call(f"tool_{number}"))
    assert len({labels for name, labels in kept.told if name == CALLS.name}) == NAMES + 1


def test_a_call_that_is_about_to_leave_counts_once_it_has_ended() -> None:
    kept = Kept()
    count = Counting(kept, lambda server, tool: True)
    count(call("listed", "sent"))
    count(run("running"))
    assert kept.told == []


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ({"isError": True, "content": []}, "tool_error"),
        ({"code": -32602, "message": "no"}, "-32602"),
        ({"code": 123456, "message": "made up"}, "_OTHER"),
        ({"code": 7}, ""),
        ({"isError": False}, ""),
        (None, ""),
    ],
)
def test_an_error_is_named_as_the_conventions_do(reply: Any, told: str) -> None:
    assert error_type(reply) == told


def test_an_abstention_has_a_reason_and_a_success_none() -> None:
    assert abstained(run("failed", Stop.CONTESTED)) == "contested"
    assert abstained(run("failed", Stop.OFF)) == ""
    assert abstained(run("repaired", Stop.SOLVED)) == ""
    assert abstained(run("suggested")) == "suggested"
    assert abstained(run("failed")) == "no_edits"


@pytest.mark.parametrize(
    ("env", "signals"),
    [
        ({}, {}),
        (ENDPOINT, {"traces": ("otlp",), "metrics": ("otlp",), "logs": ("otlp",)}),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, {}),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, {"traces": ("otlp",)}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, {"traces": ("otlp",)}),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, {"traces": ("otlp", "console")}),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, {}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, {}),
    ],
)
def test_nothing_is_exported_that_the_environment_does_not_ask_for(
    env: dict[str, str], signals: dict[str, tuple[str, ...]]
) -> None:
    found = {signal: wishes.exporters(signal, env) for signal in wishes.SIGNALS}
    assert {signal: names for signal, names in found.items() if names} == signals
    assert wishes.wanted(env) is bool(signals)


def test_headers_for_a_collector_are_secrets_in_every_form() -> None:
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc123, x-key = k"}
    assert wishes.secrets(env) == {"Bearer%20abc123", "Bearer abc123", "abc123", "k"}


def test_where_the_extra_is_missing_that_is_said_and_nothing_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.importlib.util, "find_spec", lambda name: None)
    with structlog.testing.capture_logs() as lines, opening.open_telemetry(ENDPOINT, page=False) as telemetry:
        assert followed.by is None
        assert telemetry.record is None
    assert ["mcp-mend[otel]" in line["event"] for line in lines] == [True]


def test_without_wishes_and_page_nobody_follows_a_call() -> None:
    with opening.open_telemetry({}, page=False) as telemetry:
        assert (followed.by, telemetry.record, telemetry.page, telemetry.lines) == (None, None, None, None)
    with opening.open_telemetry({}, page=True) as telemetry:
        assert followed.by is not None
        assert telemetry.page is not None
    assert followed.by is None


def test_what_a_call_gives_as_a_secret_is_one_in_its_reply_too() -> None:
    def hide(value: Any) -> Any:
        return {**value, "password": "[redacted]"} if isinstance(value, dict) and "password" in value else value

    content = Content(hide, {"password": 'ab"cde', "user": "ann"})
    assert content.arguments == '{"password": "[redacted]", "user": "ann"}'
    assert content.of({"text": 'wrong password ab"cde for ann'}) == '{"text": "wrong password [redacted] for ann"}'
    assert content.of('ab"cde is wrong') == "[redacted] is wrong"
