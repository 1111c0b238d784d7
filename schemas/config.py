"""What a configuration may say, with every default; unknown keys are refused.

Parts of the program get only their slice. Reading files, expanding variables and turning errors into sentences is
`proxy.settings`' work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from schemas.catalog import Effect
from schemas.oidc import Oidc

Mode = Literal["auto", "suggest", "off"]
SHORTEST_KEY = 32
"""Characters of a key that signs or encrypts."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolRules(_Section):
    """Which tools of an upstream are shown, and what they may do."""

    include: list[str] = Field(
        default=["*"], examples=[["search_*", "get_*"]], description="Patterns of tool names to show (fnmatch)."
    )
    exclude: list[str] = Field(
        default=[], examples=[["admin_*"]], description="Patterns of tool names to hide; wins over include."
    )
    effects: dict[str, Effect] = Field(
        default={}, examples=[{"search_*": "read"}], description="Pattern of tool names to what these tools may do."
    )


class OAuth(_Section):
    """How to log in to one upstream, where finding everything out by asking it does not do."""

    grant: Literal["authorization_code", "client_credentials"] = Field(
        default="authorization_code", description="client_credentials needs nobody to log in."
    )
    client_id: str = Field(
        default="", examples=["my-client"], description="Id of a client that was registered beforehand."
    )
    client_secret: str = Field(default="", examples=["${TICKETS_SECRET}"], description="Its secret, where it has one.")
    client_authentication: Literal["client_secret_basic", "client_secret_post"] | None = Field(
        default=None, description="How the secret is sent; left out: client_secret_basic."
    )
    private_key: str = Field(
        default="",
        examples=["~/robot.pem"],
        description="Signs instead of a secret, for client_credentials: a PEM text, or its file.",
    )
    signing_algorithm: str = Field(
        default="RS256", examples=["ES256"], description="Algorithm of the private key's signatures."
    )
    client_metadata_url: str = Field(
        default="",
        examples=["https://example.com/client.json"],
        description="Address of a client id metadata document, for servers that take one.",
    )
    issuer: str = Field(
        default="",
        examples=["https://login.example.com"],
        description="The one authorization server that may see id and secret; client_credentials needs it.",
    )
    scope: str = Field(
        default="",
        examples=["tickets:read tickets:write"],
        description="Scopes to ask for, with spaces; left out: those the server names.",
    )
    redirect_uri: str = Field(
        default="",
        examples=["http://localhost:8123/callback"],
        description="Where the browser returns to, on this machine; left out: 127.0.0.1 at any free port. "
        "With per_user /ui/logins/back at this proxy's outer address; left out: where the page was opened.",
    )
    per_user: bool = Field(
        default=False,
        description="Each tenant logs in for itself, at /ui/logins; nobody calls with another's login.",
    )

    @model_validator(mode="after")
    def _what_the_grant_needs(self) -> Self:
        if self.grant == "client_credentials":
            if self.per_user:
                raise ValueError("per_user: client_credentials is one login for all; leave one of the two out")
            if not (self.client_id and self.issuer and (self.client_secret or self.private_key)):
                raise ValueError("client_credentials needs client_id, issuer, and client_secret or private_key")
        elif self.private_key:
            raise ValueError('private_key is for grant = "client_credentials"')
        if self.client_secret and not self.client_id:
            raise ValueError("client_secret needs its client_id")
        there = r"https?://[^/]+/ui/logins/back" if self.per_user else r"http://(127\.0\.0\.1|localhost):\d{1,5}/.*"
        if self.redirect_uri and not re.fullmatch(there, self.redirect_uri):
            if self.per_user:
                raise ValueError("redirect_uri must be https://ADDRESS-OF-THIS-PROXY/ui/logins/back with per_user")
            raise ValueError("redirect_uri must be http://127.0.0.1:PORT/PATH or http://localhost:PORT/PATH")
        if self.client_metadata_url and not re.match(r"https://[^/]+/.", self.client_metadata_url):
            raise ValueError("client_metadata_url must be an https address with a path")
        return self


class Upstream(_Section):
    """One MCP server behind the proxy: a command (stdio) or a URL (Streamable HTTP, or SSE)."""

    command: str | None = Field(
        default=None, examples=["uvx"], description="Program to start; it speaks MCP on stdin and stdout."
    )
    args: list[str] = Field(
        default=[], examples=[["mcp-server-time", "--local-timezone", "UTC"]], description="Its arguments."
    )
    env: dict[str, str] = Field(
        default={},
        examples=[{"API_KEY": "${TICKETS_KEY}"}],
        description="Added to the environment that the proxy was started with.",
    )
    cwd: str | None = Field(default=None, examples=["/srv/notes"], description="Its working directory.")
    url: str | None = Field(
        default=None, examples=["https://example.com/mcp"], description="Address of a server that is already running."
    )
    transport: Literal["stdio", "http", "sse"] | None = Field(
        default=None, description="Left out: stdio for a command, http for a URL, sse where http is refused."
    )
    headers: dict[str, str] = Field(
        default={},
        examples=[{"Authorization": "Bearer ${TICKETS_TOKEN}"}],
        description="HTTP headers sent with every request.",
    )
    oauth: OAuth | None = Field(
        default=None,
        examples=[{"client_id": "my-client"}],
        description="Only where `mcp-mend login` needs to be told something.",
    )
    enabled: bool = Field(default=True, description="false keeps the entry without starting it.")
    repair: Mode | None = Field(default=None, description="Overrides repair.mode for this upstream.")
    start_timeout: float = Field(default=60, gt=0, examples=[180], description="Seconds to connect and list the tools.")
    call_timeout: float = Field(
        default=300, gt=0, examples=[900], description="Seconds without reply or progress before a call ends."
    )
    inherit_env: bool = Field(
        default=True, description="false leaves PATH, home, user, locale and proxies of the proxy's own environment."
    )
    tools: ToolRules = ToolRules()
    _withheld: frozenset[str] | None = PrivateAttr(default=frozenset())

    @property
    def per_user(self) -> bool:
        """Tell whether each tenant logs in for itself."""
        return self.oauth is not None and self.oauth.per_user

    @property
    def withheld(self) -> frozenset[str] | None:
        """Variables of our environment that are for others alone; None where it gets them all, as in `wrap`."""
        return self._withheld

    def withholding(self, names: Iterable[str] | None) -> Self:
        """The same upstream, started without these variables; None: with the whole environment."""
        copy = self.model_copy()
        copy._withheld = None if names is None else frozenset(names)  # noqa: SLF001  a copy of this class
        return copy

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either command (a program to start) or url (a running server)")
        if self.oauth is not None and (self.url is None or any(key.lower() == "authorization" for key in self.headers)):
            raise ValueError("oauth is for a url without an Authorization header of its own")
        return self


class Repair(_Section):
    """When and how failing calls are repaired."""

    mode: Mode = Field(default="auto", description="auto repairs, suggest only proposes, off forwards only.")
    when: Literal["failure", "before"] = Field(
        default="failure", description="before also coerces a call that breaks its schema before it is first sent."
    )
    suggest: Literal["text", "meta", "off"] = Field(
        default="text", description="Where a failed call's diagnosis goes: a text block, _meta only, or the log only."
    )
    ask: bool = Field(default=False, description="Let the person choose by elicitation where the client supports it.")
    calls: int = Field(
        default=3, ge=1, examples=[5], description="Upstream calls for one tool call, the first included."
    )
    session_results: int = Field(
        default=50, ge=0, examples=[20], description="Earlier results of a session kept as evidence."
    )


class Effects(_Section):
    """What repairs may do to the world."""

    policy: Literal["cautious", "strict", "trusting"] = Field(
        default="cautious",
        description="cautious lets another tool stand in for a named one if it seems to read; strict only if it is "
        "annotated or configured as reading; trusting also if it has the effect asked for.",
    )


class Budget(_Section):
    """What one workflow run may cost where its submission does not say."""

    calls_per_step: int = Field(default=3, ge=1, examples=[5], description="Upstream calls, per submitted step.")
    seconds: float = Field(default=45, gt=0, examples=[180], description="Wall-clock time.")
    generations: int = Field(default=12, ge=0, examples=[20], description="Generations of the search.")
    population: int = Field(default=10, ge=1, examples=[20], description="Candidates kept at once.")


class Workflow(_Section):
    """The run_workflow and find_tools tools of the aggregated endpoint."""

    expose: bool = Field(default=True, description="false hides both.")
    budget: Budget = Budget()


class Evolution(_Section):
    """The evolutionary search; each mechanism can be switched off for comparison (arXiv 2606.12674)."""

    rho: float = Field(default=0.9, ge=0, lt=1, examples=[0.8], description="Memory of the growth signal.")
    intensity_min: float = Field(default=0.1, ge=0, le=1, examples=[0.2], description="Least boldness.")
    intensity_max: float = Field(
        default=0.7,
        ge=0,
        le=1,
        examples=[0.9],
        description="Greatest boldness: how many unsure candidates a generation tries.",
    )
    stagnation: int = Field(default=3, ge=1, examples=[5], description="Generations without growth before a redesign.")
    cooldown: int = Field(default=3, ge=0, examples=[5], description="Generations between two redesigns.")
    graph: bool = Field(
        default=True,
        description="Order steps by their references, in parallel; false runs them one by one as they are listed.",
    )
    edits: bool = Field(default=True, description="Mend steps by typed edits; false leaves only whole redesigns.")
    feedback: bool = Field(default=True, description="Let what upstreams answered steer the edits.")
    scores: bool = Field(
        default=True, description="Judge candidates by six scores; false counts the steps that ended well."
    )
    adaptive: bool = Field(
        default=True, description="Try more unsure candidates at once while nothing grows; false tries one."
    )
    redesign: bool = Field(default=True, description="Ask the planner for another plan on stagnation.")
    selection: bool = Field(default=True, description="Go back to other candidates; false follows the best alone.")
    early_stop: bool = Field(
        default=True, description="Stop at the first solved plan; false spends the budget and takes the best."
    )
    planning: bool = Field(default=True, description="Make the plan where only a goal is given; false refuses.")
    validators: bool = Field(
        default=True, description="Check results against output schemas, and guesses against what reads them."
    )
    memory: bool = Field(default=True, description="Try a repair first that worked before.")


class Planner(_Section):
    """The small model that decides what rules cannot."""

    backend: Literal["auto", "local", "openai", "client", "none"] = Field(
        default="auto",
        description="auto is local when library and model are there, else none; client is the model of an MCP client "
        "that offers sampling.",
    )
    model: str = Field(
        default="",
        examples=["/models/small.gguf"],
        description="Path of a GGUF file or a name from `mcp-mend model list`.",
    )
    gpu_layers: int = Field(
        default=-1, ge=-1, examples=[0], description="Layers on the GPU; -1 is all where a GPU build is present."
    )
    threads: int = Field(default=0, ge=0, examples=[2], description="0 is one fewer than the cores.")
    context: int = Field(default=4096, ge=512, examples=[8192], description="Context length in tokens.")
    deadline: float = Field(default=15, gt=0, examples=[60], description="Seconds for one request to the planner.")
    idle: float = Field(
        default=300, gt=0, examples=[60], description="Seconds without use before the model is unloaded."
    )
    memory_mb: int = Field(default=4096, ge=256, examples=[8192], description="Bound of the worker's memory.")
    base_url: str = Field(
        default="",
        examples=["http://127.0.0.1:11434/v1"],
        description="Address of an OpenAI-compatible server, ending in /v1.",
    )
    api_key: str = Field(default="", examples=["${PLANNER_KEY}"], description="Its key, where it wants one.")
    requests: int = Field(
        default=4, ge=1, examples=[16], description="Questions to base_url at once, of all clients together."
    )
    failures: int = Field(
        default=2, ge=1, examples=[1], description="Failures in a row after which base_url is left alone for a while."
    )


class Http(_Section):
    """The Streamable HTTP frontend."""

    token: str = Field(
        default="",
        examples=["${MEND_TOKEN}"],
        description="Bearer token with every right; any address but loopback needs it, or tokens of tenants, or oidc.",
    )
    allowed_hosts: list[str] = Field(
        default=[], examples=[["mend.example.com"]], description="Further Host headers to accept."
    )
    allowed_origins: list[str] = Field(
        default=[], examples=[["https://app.example.com"]], description="Further Origin headers to accept."
    )
    sessions: int = Field(
        default=100,
        ge=1,
        examples=[20],
        description="Client sessions at once; each may start one process per server that it uses.",
    )
    drain_seconds: int = Field(
        default=5, ge=0, examples=[30], description="Seconds that calls under way may still take at the end."
    )
    oidc: Oidc = Oidc()


class Replicas(_Section):
    """Several equal processes of `serve --http` behind one address."""

    address: str = Field(
        default="",
        examples=["http://${POD_IP}:8765"],
        pattern=r"^$|^https?://[^/?#@]+$",
        description="Where the other replicas reach this one; sessions then name their owner.",
    )
    key: str = Field(
        default="",
        examples=["${MEND_REPLICAS_KEY}"],
        description="A secret that all replicas share, of 32 characters or more; signs the ids of sessions.",
    )
    leave_seconds: int = Field(
        default=5,
        ge=0,
        examples=[10],
        description="Seconds between /readyz turning away and the end of listening, for balancers to notice.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.address) != bool(self.key):
            raise ValueError("address and key go together: set both, or neither")
        if self.key and len(self.key) < SHORTEST_KEY:
            raise ValueError(f"key has {len(self.key)} characters and needs {SHORTEST_KEY}: openssl rand -base64 32")
        return self


class Store(_Section):
    """Where the journal and everything else that outlasts the process is kept."""

    url: str = Field(
        default="",
        examples=["postgresql://mend:${MEND_DB_PASSWORD}@db.example.com/mend"],
        description="A PostgreSQL database, for replicas that share it; empty is the user's state folder.",
        pattern=r"^$|^postgres(ql)?://.+",
    )


class Journal(_Section):
    """The record of calls, problems, edits and reports."""

    enabled: bool = Field(default=True, description="false keeps no record.")
    payloads: Literal["full", "hash", "none"] = Field(
        default="full", description="Keep arguments and results whole (secrets redacted), as digests, or not at all."
    )
    durable: bool = Field(
        default=False,
        description="true writes an effect down before it is sent, and any call before its answer: a crash loses none.",
    )
    max_mb: int = Field(default=256, ge=1, examples=[64], description="Size at which the oldest entries are pruned.")
    max_days: int = Field(
        default=0, ge=0, examples=[30], description="Age in days at which entries are pruned; 0 keeps them."
    )
    redact: list[str] = Field(
        default=[], examples=[["patient_id"]], description="Further key names whose values are secret."
    )


class Log(_Section):
    """Log lines in JSON, on stderr or in a file; never on stdout."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level shown.")
    file: str = Field(default="", examples=["/var/log/mcp-mend.jsonl"], description="Path; empty is stderr.")


class Config(_Section):
    """The whole of `proxy.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="mcp-mend configuration")

    upstreams: dict[str, Upstream] = {}
    repair: Repair = Repair()
    effects: Effects = Effects()
    workflow: Workflow = Workflow()
    evolution: Evolution = Evolution()
    planner: Planner = Planner()
    http: Http = Http()
    replicas: Replicas = Replicas()
    store: Store = Store()
    journal: Journal = Journal()
    log: Log = Log()
    _secrets: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def secrets(self) -> frozenset[str]:
        """Values that came from environment variables: what is journalled or logged shows them redacted."""
        return self._secrets

    def with_secrets(self, values: Iterable[str]) -> Self:
        """The same configuration, knowing that these values are secret."""
        copy = self.model_copy()
        copy._secrets = self._secrets | frozenset(values)  # noqa: SLF001  a copy of this class
        return copy

    def with_variables(self, used: Mapping[str, frozenset[str]]) -> Self:
        """The same configuration, no upstream of which gets what another is configured with (under "": ourselves)."""
        everyone = frozenset[str]().union(*used.values())
        upstreams = {
            name: upstream.withholding(everyone - used.get(name, frozenset()))
            for name, upstream in self.upstreams.items()
        }
        return self.model_copy(update={"upstreams": upstreams})
