"""The upstreams: what each is, how it is, and whether it is paused."""

from __future__ import annotations

from typing import Any

from proxy.repair.view.shown import all_shown, without_secrets
from proxy.settings.state import read_state
from proxy.store import redaction_of
from proxy.store.decisions import shared
from proxy.store.snapshots import first_lists
from proxy.ui.behind import Behind, UpstreamState


def upstreams_of(behind: Behind) -> dict[str, Any]:
    """Every upstream of the configuration, and every server that a client wraps and that was seen before."""
    config, redaction = behind.config(), redaction_of(behind.config())
    decided = read_state(shared(behind.journal))
    states = {each.name: each for each in behind.states()} if behind.states is not None else {}
    wrapped = [each.server for each in first_lists(behind.journal) if each.server not in config.upstreams]
    told: list[dict[str, Any]] = []
    for name in (*config.upstreams, *wrapped):
        upstream, state = config.upstreams.get(name), states.get(name)
        state = state or UpstreamState(name, "unknown")
        if upstream is not None and not upstream.enabled:
            state = UpstreamState(name, "disabled")
        way = (
            "wrapped by a client"
            if upstream is None
            else upstream.url or " ".join([upstream.command or "", *upstream.args])
        )
        told.append(
            {
                "name": name,
                "way": all_shown(without_secrets(redaction.text(way))),
                "state": state.state,
                "reason": all_shown(redaction.text(state.reason)),
                "stderr": [all_shown(redaction.text(line)) for line in state.stderr[-20:]],
                "since": state.since,
                "reconnects": max(0, state.connections - 1),
                "connections": state.connections,
                "tools": len(behind.catalog().of(name)),
                "paused": decided.all_paused or name in decided.paused,
                "repair": (upstream.repair if upstream is not None else None) or config.repair.mode,
            }
        )
    return {"upstreams": told, "known": behind.states is not None, "all_paused": decided.all_paused}
