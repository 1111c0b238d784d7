"""The page on observability and the Grafana board name what the code has, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxy.telemetry import words
from proxy.telemetry.metrics import METRICS

DOCS = Path(__file__).parents[2] / "docs"
NAME = re.compile(r"`([^`]+)`")
METRIC = re.compile(r"\b(?:mcp_|gen_ai_|process_)\w+")
PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


def rows(title: str) -> list[list[str]]:
    """The cells of the table whose first column has this title."""
    lines = (DOCS / "observability.md").read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {title} |"))
    table: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def names(cell: str) -> list[str]:
    return NAME.findall(cell)


def test_every_metric_is_told_with_its_names_kind_and_labels() -> None:
    told = [
        (*names(name), *names(shown), kind, tuple(names(labels))) for name, shown, kind, labels, _ in rows("metric")
    ]
    have = [
        (metric.name, metric.prometheus + ("_total" if metric.kind == "counter" else ""), metric.kind, metric.labels)
        for metric in METRICS
    ]
    assert told == have


def test_every_span_is_told_with_its_attributes() -> None:
    told = [(names(name)[0], tuple(names(attributes))) for name, _, _, attributes in rows("span")]
    assert told == [(words.NAMES[kind], words.SPANS[kind]) for kind in words.SPANS]


def test_every_attribute_is_of_some_span() -> None:
    ours = {value for key, value in vars(words).items() if key.isupper() and isinstance(value, str) and "." in value}
    ours |= {words.EFFECT, words.GENERATION}
    used = {attribute for attributes in words.SPANS.values() for attribute in attributes}
    assert ours == used


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("expr", "query", "definition") and isinstance(inner, str):
                yield inner
            else:
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def test_the_board_asks_only_for_metrics_and_labels_that_there_are() -> None:
    board = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    asked = list(expressions(board["panels"]))
    assert len(asked) >= len(board["panels"]) > 10
    labels = {label for metric in METRICS for label in metric.prometheus_labels}
    known = {name for metric in METRICS for name in metric.shown} | PROCESS | {"mcp_mend_info"}
    for expression in [*asked, *expressions(board["templating"])]:
        named = set(METRIC.findall(expression)) - labels - {"prometheus"}
        assert named <= known, expression
        by = re.findall(r"by \(([^)]*)\)", expression)
        assert {label.strip() for each in by for label in each.split(",")} <= labels | {"le"}, expression
        assert expression.count("(") == expression.count(")")
        assert expression.count("{") == expression.count("}")
    used = {name for expression in asked for name in METRIC.findall(expression)}
    for metric in METRICS:
        assert used & set(metric.shown), f"{metric.name} is on no panel"
