CREATE TABLE journal_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT journal_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    repair_id TEXT NOT NULL UNIQUE,
    at DOUBLE PRECISION NOT NULL,
    kind TEXT NOT NULL,
    session TEXT NOT NULL,
    status TEXT NOT NULL,
    error_before TEXT,
    error_after TEXT,
    calls INTEGER NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    plan_before TEXT,
    plan_after TEXT,
    report TEXT,
    tried TEXT,
    tenant TEXT NOT NULL DEFAULT ''
);
CREATE TABLE calls (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id TEXT NOT NULL UNIQUE,
    at DOUBLE PRECISION NOT NULL,
    session TEXT NOT NULL,
    server TEXT NOT NULL,
    tool TEXT NOT NULL,
    outcome TEXT NOT NULL,
    effect TEXT NOT NULL,
    ms DOUBLE PRECISION NOT NULL,
    step TEXT,
    repair_id TEXT,
    message TEXT,
    arguments TEXT,
    reply TEXT,
    start_ms DOUBLE PRECISION NOT NULL DEFAULT 0,
    tenant TEXT NOT NULL DEFAULT ''
);
CREATE TABLE repairs (
    repair_id TEXT NOT NULL,
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
CREATE TABLE problems (
    repair_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT,
    step TEXT,
    path TEXT,
    message TEXT,
    candidates TEXT,
    PRIMARY KEY (repair_id, stage, number)
);
CREATE INDEX calls_over_time ON calls (at, outcome, repair_id, server, tool, session);
CREATE INDEX calls_by_tool ON calls (server, tool, outcome, at, ms, repair_id);
CREATE INDEX calls_of_runs ON calls (repair_id, number, server, tool, outcome)
    WHERE repair_id IS NOT NULL;
CREATE INDEX runs_over_time ON runs (at, kind, status, session, repair_id);
CREATE INDEX calls_tenant ON calls (tenant, at) WHERE tenant <> '';
CREATE INDEX runs_tenant ON runs (tenant, at) WHERE tenant <> '';
CREATE VIEW recent_calls AS
SELECT call_id, strftime('%Y-%m-%d %H:%M:%f', at, 'unixepoch') AS time, session, server, tool, outcome, effect,
       round(ms, 1) AS ms, step, repair_id, message, arguments, reply
FROM calls ORDER BY at DESC;
CREATE VIEW recent_runs AS
SELECT repair_id, strftime('%Y-%m-%d %H:%M:%f', at, 'unixepoch') AS time, kind, session, status, calls,
       round(seconds, 3) AS seconds,
       (SELECT group_concat(op || ' (' || confidence || ')', ', ') FROM repairs
        WHERE repairs.repair_id = runs.repair_id) AS changes,
       error_before, error_after, plan_before, plan_after
FROM runs ORDER BY at DESC;
CREATE VIEW tool_figures AS
SELECT server, tool, count(*) AS calls, sum(outcome = 'ok') AS ok, sum(outcome <> 'ok') AS not_ok,
       round(avg(ms), 1) AS mean_ms, round(max(ms), 1) AS longest_ms,
       strftime('%Y-%m-%d %H:%M:%S', max(at), 'unixepoch') AS last_time
FROM calls WHERE outcome <> 'sent' GROUP BY server, tool ORDER BY calls DESC;
CREATE VIEW rule_figures AS
SELECT rule, op, confidence, count(*) AS times, sum(runs.status IN ('repaired', 'succeeded')) AS in_repaired_runs
FROM repairs JOIN runs USING (repair_id) GROUP BY rule, op, confidence ORDER BY times DESC;
CREATE VIEW outcome_unknown AS
SELECT call_id, strftime('%Y-%m-%d %H:%M:%f', at, 'unixepoch') AS time, server, tool, outcome, effect, step, repair_id,
       arguments
FROM calls WHERE outcome IN ('sent', 'unknown') ORDER BY at DESC;
INSERT INTO journal_version VALUES ('0001')
