"""One `tools/call` from a client: forwarded as it came, repaired when it fails.

On the aggregated endpoint it also answers the proxy's own tools, `run_workflow` and `find_tools`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from anyio import to_thread

from catalog_cache.nearest import indexed, nearest
from proxy import tracing
from proxy.calls import mend, names
from proxy.calls.own_tools import FIND_TOOLS, RUN_WORKFLOW, own_tools, summary
from proxy.planner.opening import Opened
from proxy.ports import Client, Journal, Upstreams
from proxy.repair.read.dialects import accepted
from proxy.repair.read.proof import unknown_tool
from proxy.repair.read.refusal import error_text
from proxy.repair.search.propose import Repair
from proxy.repair.view.step import Evidence, Seen
from proxy.repair.view.values import value_of
from proxy.store.kept import KeptRuns
from proxy.store.memory import Memories
from proxy.tracing import followed
from proxy.wire import rpc
from proxy.workflows.asking import Reads, ask
from proxy.workflows.executor import Executor
from proxy.workflows.ledger import Ledger
from proxy.workflows.means import Means
from proxy.workflows.resume import Earlier
from proxy.workflows.workflow import Workflow
from schemas.catalog import Catalog, Effect, Json, Tool, as_list, as_object, catalog_of
from schemas.config import Config, Mode
from schemas.edit import Proposal
from schemas.plan import Plan, Step
from schemas.record import CallRecord
from schemas.report import Report
from schemas.trial import Lost, Reply, Verdict

SESSIONS = 200
"""Client sessions whose earlier results are kept as evidence."""
KEPT_RESULT = 100_000
"""Characters of a result's first text beyond which it is not kept as evidence."""


class Calls(Means):
    """What `tools/call` does, on the aggregated endpoint (`server` None) or for one upstream.

    The reply to a sound call is the upstream's own object.
    """

    def __init__(
        self,
        config: Config,
        upstreams: Upstreams,
        journal: Journal,
        server: str | None = None,
        planner: Opened | None = None,
        memories: Memories | None = None,
        asked: Reads | None = None,
        kept: KeptRuns | None = None,
    ) -> None:
        super().__init__(config, upstreams, journal, planner, memories, asked, kept)
        self._server = server
        self._durable = config.journal.durable
        self._sessions: OrderedDict[str, deque[tuple[Tool, Json, Mapping[str, Any]]]] = OrderedDict()
        self.listed = asyncio.Event()
        """Set once a client has got the tools of this endpoint."""

    def take(self, config: Config) -> None:
        """Go by another configuration from the next call on."""
        self._config = config

    async def written(self) -> None:
        """Wait, where the journal is to be durable, until it holds every call that was answered."""
        if self._durable:
            await self._journal.flush()

    def own_tools(self) -> list[dict[str, Any]]:
        """The tools that the proxy itself adds to `tools/list` of this endpoint, as raw tool objects."""
        return own_tools() if self.own_names else []

    @property
    def own_names(self) -> tuple[str, ...]:
        """Their names."""
        return (RUN_WORKFLOW, FIND_TOOLS) if self._server is None and self._config.workflow.expose else ()

    async def call(self, params: Mapping[str, Any], client: Client) -> Reply:
        """Answer one `tools/call`; `params` as the client wrote them."""
        name = str(params.get("name"))
        tool = self.tool(name)
        if tool is not None:
            return await self.forward(tool, params, client)
        if name in self.own_names:
            return await self._own(name, params, client)
        return await self._unknown(name, params, client)

    def tool(self, name: str) -> Tool | None:
        """The tool of an upstream that this endpoint lists under this very name."""
        catalog = self._upstreams.catalog
        return catalog.public(name) if self._server is None else catalog.origin(self._server, name)

    def _mode(self, server: str | None) -> Mode:
        upstream = self._config.upstreams.get(server or "")
        return upstream.repair if upstream is not None and upstream.repair is not None else self._config.repair.mode

    async def forward(
        self, tool: Tool, params: Mapping[str, Any], client: Client, made: tuple[Proposal, ...] = (), asked: str = "",
        first: str = "",
    ) -> Reply:  # fmt: skip
        """Send a call as it came, or with edits `made` to a tool `asked` for; look at it again only if it fails.

        `first` is how the call was refused under the name that it was asked for.
        """
        given, mode = params.get("arguments"), self._mode(tool.server)
        if mode == "auto" and self._config.repair.when == "before":
            early = mend.before_sending(tool, params.get("arguments", {}), self._upstreams.catalog)
            if early is not None:
                made, params = (*made, *early.proposals), {**params, "arguments": early.plan.steps[0].arguments}
        sent = params if params.get("name") == tool.name else {**params, "name": tool.name}
        reply, record = await self._noted(tool, sent, client)
        refused = reply.refused
        if refused and mode != "off":
            before = mend.plan_of(tool, given, asked)
            mending = self._mended(tool, params, client, reply, record, mode, made, before, first)
            return await tracing.run("call", mending)
        self._journal.call(record)
        if reply.result is not None and not refused:
            self._remember(client, tool, params.get("arguments"), reply.result)
            if made:
                before = mend.plan_of(tool, given, asked)
                after = mend.plan_of(tool, params.get("arguments"))
                mended = mend.Mended(reply, before, after, made, worked=True, first=first)
                return self._announce(self._journal.new_id("run"), mended, client, 1, 0.0)
        return reply

    async def _noted(self, tool: Tool, params: Mapping[str, Any], client: Client) -> tuple[Reply, CallRecord]:
        """Send one call; one that ends without a reply is in the journal too."""
        record = CallRecord(
            self._journal.new_id("call"), time.time(), client.session, tool.server, tool.name,
            params.get("arguments"), "cancelled", effect=tool.effect.value,
        )  # fmt: skip
        if followed.by is not None:
            followed.by.calling(record)
        clock = time.perf_counter()
        try:
            if self._durable and tool.effect is not Effect.READ:
                self._journal.call(replace(record, outcome="sent"))
                await self._journal.flush()
                clock = time.perf_counter()
            reply = await self._upstreams.call(tool, params, client)
        except BaseException as ended:
            ms = (time.perf_counter() - clock) * 1000
            outcome = record.outcome if isinstance(ended, asyncio.CancelledError) else str(Lost.BROKEN)
            self._journal.call(replace(record, outcome=outcome, ms=ms, message=str(ended)))
            raise
        start_ms, body = reply.waited * 1000, reply.error if reply.result is None else reply.result
        ms = max(0.0, (time.perf_counter() - clock) * 1000 - start_ms)
        told = replace(record, outcome=_outcome(reply), ms=ms, message=reply.message, reply=body, start_ms=start_ms)
        return reply, told

    async def _mended(
        self, tool: Tool, params: Mapping[str, Any], client: Client, reply: Reply, record: CallRecord, mode: Mode,
        made: tuple[Proposal, ...], asked: Plan, first: str,
    ) -> Reply:  # fmt: skip
        repair_id = self._journal.new_id("run")
        self._journal.call(replace(record, repair_id=repair_id, step=mend.STEP))
        clock = time.perf_counter()
        executor = Executor(
            self._upstreams, self._journal, client, Ledger(self._config.repair.calls), repair_id, params=params,
            durable=self._durable,
        )  # fmt: skip
        executor.admit(tool, mend.STEP, params.get("arguments"), reply, record.call_id, record.ms)
        evidence = self._evidence(client.session)
        asking = self._config.repair.ask
        mended = await mend.mend(
            executor, mend.plan_of(tool, params.get("arguments")), evidence, mode, self._config.evolution,
            ask=partial(self._ask, tool, client) if asking else None,
            reads=partial(self._reads, client) if asking else None,
        )  # fmt: skip
        if mended.worked and mended.reply.result is not None:
            if self._config.evolution.memory:
                self._memories.learn(mended.before, mended.lineage, evidence)
            self._remember(client, tool, mended.after.steps[0].arguments, mended.reply.result)
        mended = replace(mended, before=asked, lineage=(*made, *mended.lineage), first=first)
        calls, seconds = executor.ledger.calls, time.perf_counter() - clock
        if mended.worked:
            return self._announce(repair_id, mended, client, calls, seconds)
        self._journal.run(mend.record(repair_id, client.session, mended, calls, seconds))
        known = replace(tool, public=self._shown(tool))
        told = mend.diagnosis(known, mended)
        words = mend.sentence(known.public, told) if told else ""
        return mend.with_diagnosis(mended.reply, told, words, self._config.repair.suggest)

    async def _ask(self, tool: Tool, client: Client, step: Step, options: Sequence[Repair]) -> Repair | None:
        """Let the person choose among the repairs that the evidence did not decide between."""
        return await ask(client, replace(step, tool=self._shown(tool)), options)

    def _announce(self, repair_id: str, mended: mend.Mended, client: Client, calls: int, seconds: float) -> Reply:
        """Note a repaired call, and say in its result what was changed."""
        self._journal.run(mend.record(repair_id, client.session, mended, calls, seconds))
        return replace(mended.reply, result=mend.announced(mended.reply.result or {}, repair_id, mended))

    async def _unknown(self, name: str, params: Mapping[str, Any], client: Client) -> Reply:
        """Resolve a name that no tool bears by its spelling; else answer with the nearest tools.

        In front of one upstream a name that is not plainly another spelling is sent as it came first: servers may
        accept tools that they do not list.
        """
        view = self._view()
        arguments = params.get("arguments", {})
        if self._server is None and (tool := accepted(view, Step(mend.STEP, name, arguments))) is not None:
            return await self.forward(tool, params, client)
        known = Evidence(view, single=True, policy=self._config.effects.policy)
        swap = await to_thread.run_sync(names.spelled, name, arguments, known)
        if swap is not None and (tool := self._mendable(swap, view)) is not None:
            return await self.forward(tool, params, client, (swap,), name)
        reply = await self._refused_name(name, params, client)
        mistyped = unknown_tool(reply, name)
        swap = await to_thread.run_sync(names.mistyped, name, arguments, known) if mistyped else None
        if swap is not None and (tool := self._mendable(swap, view)) is not None:
            return await self.forward(tool, params, client, (swap,), name, error_text(reply))
        if not reply.refused or self._mode(self._server) == "off":
            return reply
        near = await to_thread.run_sync(names.near, name, arguments, known)
        if self._server is None and reply.error is not None and self._config.repair.suggest != "text":
            message = f"Unknown tool: {name}. {names.nobody(name, [self._shown(tool) for tool in near])}"
            reply = replace(reply, error={**reply.error, "message": message})
        return names.pointed(reply, name, near, self._shown, self._config.repair.suggest)

    async def _refused_name(self, name: str, params: Mapping[str, Any], client: Client) -> Reply:
        """What a call gets whose name no tool bears: our own error, or what the one upstream says."""
        if self._server is None:
            reply = Reply(error=rpc.error(rpc.INVALID_PARAMS, f"Unknown tool: {name}"))
            self.unsent(params, client, reply, "unknown_tool")
            return reply
        return await self.untouched(params, client, "unknown_tool")

    async def untouched(self, params: Mapping[str, Any], client: Client, outcome: str = "") -> Reply:
        """Forward a call of a tool that this endpoint does not list, and note it; a refusal as this `outcome`."""
        server, name = self._server or "", str(params.get("name"))
        reply, record = await self._noted(Tool(server, name, name, {"name": name}), params, client)
        self._journal.call(replace(record, outcome=outcome) if outcome and reply.refused else record)
        return reply

    def unsent(
        self, params: Mapping[str, Any], client: Client, reply: Reply, outcome: str = "", server: str = ""
    ) -> None:
        """Note a call that nobody can be sent."""
        name, call_id = str(params.get("name")), self._journal.new_id("call")
        self._journal.call(
            CallRecord(
                call_id, time.time(), client.session, server or self._server or "", name, params.get("arguments"),
                outcome or _outcome(reply), message=reply.message,
            )
        )  # fmt: skip

    def _mendable(self, swap: Proposal, view: Catalog) -> Tool | None:
        """The tool that a resolved name leads to, where its upstream's calls may be repaired."""
        tool = names.tool_of(swap, view)
        return tool if tool is not None and self._mode(tool.server) == "auto" else None

    def _shown(self, tool: Tool) -> str:
        return tool.public if self._server is None else tool.name

    def _view(self) -> Catalog:
        catalog = self._upstreams.catalog
        return catalog if self._server is None else catalog_of(catalog.of(self._server))

    def _evidence(self, session: str) -> Evidence:
        kept = self._sessions.get(session, ())
        seen = tuple(Seen(tool.server, tool.public, arguments, value_of(result)) for tool, arguments, result in kept)
        return replace(self._known(), session=seen, single=True)

    def _remember(self, client: Client, tool: Tool, arguments: Json, result: Mapping[str, Any]) -> None:
        """Keep a result as evidence for later calls of the session; of sessions the least lately used go."""
        limit = self._config.repair.session_results
        if not limit or not client.lasts or _heavy(result):
            return
        kept = self._sessions.pop(client.session, None) or deque(maxlen=limit)
        self._sessions[client.session] = kept
        while len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        kept.append((tool, arguments, result))

    async def run_workflow(self, submitted: Json, client: Client, before: Earlier | None = None) -> Report:
        """Run one submitted plan to its report, or go on with an earlier run."""
        planner = self._planner.of(client) if self._planner is not None else None
        means = (self._config, self._upstreams, self._journal, planner, self._memories, self._asked, self._kept)
        workflow = Workflow(*means)
        return await tracing.run("workflow", workflow.run(submitted, client, before))

    async def _own(self, name: str, params: Mapping[str, Any], client: Client) -> Reply:
        arguments: Json = params.get("arguments") or {}
        if name == FIND_TOOLS:
            return await self._find(as_object(arguments) or {})
        report = await self.run_workflow(arguments, client)
        written = report.written()
        text = summary(report) if client.structured else json.dumps(written, ensure_ascii=False)
        result: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
        more = {"structuredContent": written} if client.structured else {}
        return Reply(result={**result, **more, "isError": report.status == "failed"})

    async def _find(self, arguments: Mapping[str, Any]) -> Reply:
        query, limit = arguments.get("query"), arguments.get("limit", 8)
        if not isinstance(query, str) or not isinstance(limit, int) or limit < 1:
            needs = "find_tools needs query (text), and limit as a number from 1"
            return Reply(error=rpc.error(rpc.INVALID_PARAMS, needs))
        catalog = self._upstreams.catalog
        if self._planner is not None:
            hits = await self._planner.shortlist.nearest(catalog, query, limit)
        else:
            hits = nearest(indexed(catalog), query, limit)
        found = [{**hit.tool.raw, "name": hit.tool.public} for hit in hits]
        text = json.dumps({"tools": found}, ensure_ascii=False)
        return Reply(result={"content": [{"type": "text", "text": text}], "structuredContent": {"tools": found}})


def _outcome(reply: Reply) -> str:
    if reply.lost is not None:
        return str(reply.lost.value)
    return "refused" if reply.refused else Verdict.OK.value


def _heavy(result: Mapping[str, Any]) -> bool:
    blocks = as_list(result.get("content")) or [None]
    text = (as_object(blocks[0]) or {}).get("text")
    return isinstance(text, str) and len(text) > KEPT_RESULT
