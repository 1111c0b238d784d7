"""The verbs of mcp-mend: forward, diagnose, propose, apply, attempt, judge, report."""
