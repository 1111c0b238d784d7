"""The journal's tables and views, as SQL; knows nothing of who writes them.

Times are seconds since the epoch. Columns that hold JSON hold it as text. Views give the same with times to read.
The `stage` of a problem is `found` (in the plan as it was submitted) or `left` (at the end).
A record that replaces another gets a new `number`, so whoever watches sees it again. The indexes hold all that figures
are made of, in the order in which they are counted: no payload is read for them and nothing is sorted.
"""

from __future__ import annotations

VERSION = 1
"""`PRAGMA user_version` of a journal with these tables."""

TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    repair_id TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    session TEXT NOT NULL,
    status TEXT NOT NULL,
    error_before TEXT,
    error_after TEXT,
    calls INTEGER NOT NULL,
    seconds REAL NOT NULL,
    plan_before TEXT,
    plan_after TEXT,
    report TEXT,
    tried TEXT,
    tenant TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    session TEXT NOT NULL,
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    outcome TEXT NOT NULL,
    effect TEXT NOT NULL,
    ms REAL NOT NULL,
    step TEXT,
    repair_id TEXT REFERENCES runs (repair_id),
    message TEXT,
    arguments TEXT,
    reply TEXT,
    start_ms REAL NOT NULL DEFAULT 0,
    tenant TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS repairs (
    repair_id TEXT NOT NULL REFERENCES runs (repair_id),
    number INTEGER NOT NULL,
    op TEXT,
    step TEXT,
    rule TEXT,
    confidence TEXT,
    evidence TEXT,
    value_before TEXT,
    value_after TEXT,
    PRIMARY KEY (repair_id, number)
);
CREATE TABLE IF NOT EXISTS problems (
    repair_id TEXT NOT NULL REFERENCES runs (repair_id),
    stage TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT,
    step TEXT,
    path TEXT,
    message TEXT,
    candidates TEXT,
    PRIMARY KEY (repair_id, stage, number)
);
CREATE INDEX IF NOT EXISTS calls_in_time ON calls (at, outcome, repair_id);
CREATE INDEX IF NOT EXISTS calls_by_tool ON calls (server, tool, outcome, at, ms, repair_id);
CREATE INDEX IF NOT EXISTS calls_of_runs ON calls (repair_id, number, server, tool, outcome)
    WHERE repair_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_server ON calls (server, at, tool, outcome, ms);
CREATE INDEX IF NOT EXISTS calls_tool ON calls (tool, at);
CREATE INDEX IF NOT EXISTS calls_outcome ON calls (outcome, at);
CREATE INDEX IF NOT EXISTS calls_session ON calls (session, at);
CREATE INDEX IF NOT EXISTS runs_in_time ON runs (at, kind, status, repair_id);
CREATE INDEX IF NOT EXISTS runs_status ON runs (status, at);
CREATE INDEX IF NOT EXISTS runs_at ON runs (at);
DROP INDEX IF EXISTS calls_at;
DROP INDEX IF EXISTS calls_repair;
"""

ADDED = {
    "calls": {"start_ms": "REAL NOT NULL DEFAULT 0", "tenant": "TEXT NOT NULL DEFAULT ''"},
    "runs": {"tried": "TEXT", "tenant": "TEXT NOT NULL DEFAULT ''"},
}
"""Columns, by table, that a journal of the same version may lack."""

VIEWS = """
CREATE VIEW IF NOT EXISTS recent_calls AS
SELECT call_id, strftime('%Y-%m-%d %H:%M:%f', at, 'unixepoch') AS time, session, server, tool, outcome, effect,
       round(ms, 1) AS ms, step, repair_id, message, arguments, reply
FROM calls ORDER BY at DESC;
CREATE VIEW IF NOT EXISTS recent_runs AS
SELECT repair_id, strftime('%Y-%m-%d %H:%M:%f', at, 'unixepoch') AS time, kind, session, status, calls,
       round(seconds, 3) AS seconds,
       (SELECT group_concat(op || ' (' || confidence || ')', ', ') FROM repairs
        WHERE repairs.repair_id = runs.repair_id) AS changes,
       error_before, error_after, plan_before, plan_after
FROM runs ORDER BY at DESC;
CREATE VIEW IF NOT EXISTS tool_figures AS
SELECT server, tool, count(*) AS calls, sum(outcome = 'ok') AS ok, sum(outcome <> 'ok') AS not_ok,
       round(avg(ms), 1) AS mean_ms, round(max(ms), 1) AS longest_ms,
       strftime('%Y-%m-%d %H:%M:%S', max(at), 'unixepoch') AS last_time
FROM calls WHERE outcome <> 'sent' GROUP BY server, tool ORDER BY calls DESC;
CREATE VIEW IF NOT EXISTS rule_figures AS
SELECT rule, op, confidence, count(*) AS times, sum(runs.status IN ('repaired', 'succeeded')) AS in_repaired_runs
FROM repairs JOIN runs USING (repair_id) GROUP BY rule, op, confidence ORDER BY times DESC;
CREATE VIEW IF NOT EXISTS outcome_unknown AS
SELECT call_id, strftime('%Y-%m-%d %H:%M:%f', at, 'unixepoch') AS time, server, tool, outcome, effect, step, repair_id,
       arguments
FROM calls WHERE outcome IN ('sent', 'unknown') ORDER BY at DESC;
"""
