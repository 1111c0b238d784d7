"""Figures of a journal: what was called, what failed and how, what was saved, over time. Reads indexes, no payloads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from proxy.store.sql import Connection, Dialect
from proxy.store.sql.connection import Value

MOST = 60
"""Points in time that are told at most."""
SIZES = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2629800, "year": 31557600}
"""Length of a point in time, in seconds; the shortest is taken that makes no more than `MOST`."""
GOOD = ("ok", "sent")

_SPAN = (
    "SELECT min(began) AS began, max(ended) AS ended FROM (SELECT (SELECT min(at) FROM calls WHERE at >= ?) AS began,"
    " (SELECT max(at) FROM calls WHERE at >= ?) AS ended UNION ALL SELECT"
    " (SELECT min(at) FROM runs WHERE at >= ?), (SELECT max(at) FROM runs WHERE at >= ?)) AS spans"
)
_CALLS = (
    "SELECT server, tool, outcome, count(*) AS times, count(*) FILTER (WHERE repair_id IS NULL) AS alone,"
    " sum(ms) AS ms, max(ms) AS longest, max(at) AS last FROM calls WHERE at >= ? GROUP BY server, tool, outcome"
)
_POINT = (
    "SELECT count(*) FILTER (WHERE outcome <> 'sent') AS calls,"
    " count(*) FILTER (WHERE repair_id IS NULL AND outcome <> 'ok' AND outcome <> 'sent') AS failed"
    " FROM calls WHERE at >= ? AND at < ?"
)
_RUNS = "SELECT {point} AS point, kind, status, count(*) AS times FROM runs WHERE at >= ? GROUP BY 1, 2, 3"
_MENDED = (
    "SELECT coalesce(calls.server, {server}, '') AS server, coalesce(calls.tool, {tool}, '') AS tool,"
    " coalesce(problems.kind, 'unknown_tool') AS kind, runs.status, count(*) AS times FROM runs"
    " LEFT JOIN calls ON calls.number ="
    " (SELECT number FROM calls WHERE calls.repair_id = runs.repair_id ORDER BY number LIMIT 1)"
    " LEFT JOIN problems ON problems.repair_id = runs.repair_id AND problems.stage = 'left' AND problems.number = 0"
    " WHERE runs.at >= ? AND runs.kind = 'call' GROUP BY 1, 2, 3, 4"
)
"""Failed calls of clients: a call's run begins with it; where its name alone was wrong, no call belongs to the run."""
_IN_PLANS = (
    "SELECT calls.server, calls.tool, calls.outcome AS kind, count(*) AS times FROM runs"
    " {join} calls ON calls.repair_id = runs.repair_id WHERE runs.at >= ? AND runs.kind = 'workflow'"
    " AND calls.outcome NOT IN ('ok', 'sent') GROUP BY 1, 2, 3"
)
_RULES = (
    "SELECT rule, op, confidence, count(*) AS times,"
    " count(*) FILTER (WHERE runs.status IN ('repaired', 'succeeded')) AS in_repaired_runs"
    " FROM runs JOIN repairs USING (repair_id)"
    " WHERE runs.at >= ? GROUP BY rule, op, confidence ORDER BY times DESC"
)


def statements(dialect: Dialect) -> dict[str, str]:
    """What is asked of a journal, by name, as an engine reads it."""
    server, tool = (dialect.member("runs.plan_after", "steps", 0, name) for name in ("server", "tool"))
    return {
        "span": _SPAN,
        "calls": _CALLS,
        "point": _POINT,
        "runs": _RUNS.format(point=dialect.floor("(at - ?) / ?")),
        "mended": _MENDED.format(server=server, tool=tool),
        "in plans": _IN_PLANS.format(join=dialect.driving),
        "rules": _RULES,
    }


@dataclass
class Point:
    """What happened in one stretch of time: calls, those of clients that failed, and those of them that were saved."""

    at: float
    calls: int = 0
    failed: int = 0
    saved: int = 0


def figures(connection: Connection, since: float | None = None) -> dict[str, Any]:
    """Everything that `log stats` tells, from a time on; times are seconds since the epoch.

    All of it is of one moment: what is written meanwhile is not in it.
    """
    with connection.transaction(reading=True):
        return _figures(connection, since or 0.0)


def _figures(connection: Connection, since: float) -> dict[str, Any]:
    known = statements(connection.dialect)

    def rows(name: str, *values: Value) -> list[dict[str, Any]]:
        return connection.rows(known[name], values)

    (span,) = rows("span", *[since] * 4)
    first, last = span["began"], span["ended"]
    if first is None:
        return {"first": None, "last": None, **_told([], [], [], [], []), "over_time": None}
    size, begin = _scale(first, last)
    starts = [begin + at * size for at in range(int((last - begin) // size) + 1)]
    points = [Point(start, **rows("point", max(since, start), start + size)[0]) for start in starts]
    calls, runs = rows("calls", since), rows("runs", begin, float(size), since)
    told = _told(calls, runs, rows("mended", since), rows("in plans", since), rows("rules", since))
    each = next(name for name, seconds in SIZES.items() if seconds == size)
    return {"first": first, "last": last, **told, "over_time": {"each": each, "points": _with_runs(points, runs)}}


def _scale(first: float, last: float) -> tuple[int, float]:
    """How long a point in time is, and when the first begins: at a full hour, day or week where people are."""
    size = next((size for size in SIZES.values() if (last - first) / size < MOST - 1), list(SIZES.values())[-1])
    ahead = time.localtime(last).tm_gmtoff
    return size, (first + ahead) // size * size - ahead


def _told(
    calls: list[dict[str, Any]], runs: list[dict[str, Any]], mended: list[dict[str, Any]],
    in_plans: list[dict[str, Any]], rules: list[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    outcomes: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for row in calls:
        outcomes[row["outcome"]] += row["times"]
    for row in runs:
        kinds[row["kind"], row["status"]] += row["times"]
    saved = kinds["call", "repaired"]
    alone = sum(row["alone"] for row in calls if row["outcome"] not in GOOD)
    return {
        "calls": dict(outcomes.most_common()),
        "runs": [{"kind": kind, "status": status, "times": n} for (kind, status), n in kinds.most_common()],
        "failed": alone + sum(times for (kind, _), times in kinds.items() if kind == "call"),
        "saved": {"calls": saved, "workflows": kinds["workflow", "repaired"]},
        "tools": _tools(calls),
        "failures": _failures(calls, mended, in_plans),
        "rules": rules,
    }


def _tools(calls: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every tool with its calls, what they took and when the last was."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in calls:
        if row["outcome"] == "sent":
            continue
        empty = {"server": row["server"], "tool": row["tool"], "calls": 0, "ok": 0, "not_ok": 0}
        told = found.setdefault((row["server"], row["tool"]), {**empty, "ms": 0.0, "longest_ms": 0.0, "last": 0.0})
        told["calls"] += row["times"]
        told["ok" if row["outcome"] == "ok" else "not_ok"] += row["times"]
        told["ms"] += row["ms"]
        told["longest_ms"] = max(told["longest_ms"], round(row["longest"], 1))
        told["last"] = max(told["last"], row["last"])
    for told in found.values():
        told["mean_ms"] = round(told.pop("ms") / told["calls"], 1)
    return sorted(found.values(), key=_calls)


def _calls(told: dict[str, Any]) -> int:
    return -int(told["calls"])


def _failures(
    calls: Iterable[dict[str, Any]], mended: Iterable[dict[str, Any]], in_plans: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Which tool failed how, most first: the kind of the problem where it was diagnosed, else the call's outcome."""
    times: Counter[tuple[str, str, str]] = Counter()
    saved: Counter[tuple[str, str, str]] = Counter()
    for row in mended:
        key = row["server"], row["tool"], row["kind"]
        times[key] += row["times"]
        saved[key] += row["times"] if row["status"] == "repaired" else 0
    for row in calls:
        if row["alone"] and row["outcome"] not in GOOD:
            times[row["server"], row["tool"], row["outcome"]] += row["alone"]
    for row in in_plans:
        times[row["server"], row["tool"], row["kind"]] += row["times"]
    return [
        {"server": server, "tool": tool, "kind": kind, "times": count, "saved": saved[server, tool, kind]}
        for (server, tool, kind), count in times.most_common()
    ]


def _with_runs(points: Sequence[Point], runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points with the calls that were looked at after they had failed."""
    for row in runs:
        if row["kind"] == "call":
            point: Point = points[min(int(row["point"]), len(points) - 1)]
            point.failed += int(row["times"])
            point.saved += int(row["times"]) if row["status"] == "repaired" else 0
    return [asdict(point) for point in points]
