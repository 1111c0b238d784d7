"""The names of the Model Context Protocol, each once: versions, methods, notifications, keys, headers, codes.

Two eras: `initialize` and a session (the handshake era, to 2025-11-25), or every request by itself (the modern era,
2026-07-28 on).
"""

from __future__ import annotations

from typing import Literal

Era = Literal["handshake", "modern"]
"""How a connection is spoken on."""

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
HANDSHAKE_LATEST = HANDSHAKE_VERSIONS[-1]
MODERN_LATEST = "2026-07-28"
MODERN_VERSIONS = (MODERN_LATEST,)

INITIALIZE = "initialize"
PING = "ping"
DISCOVER = "server/discover"
LISTEN = "subscriptions/listen"
TOOLS_LIST = "tools/list"
TOOLS_CALL = "tools/call"
PROMPTS_LIST = "prompts/list"
PROMPTS_GET = "prompts/get"
RESOURCES_LIST = "resources/list"
RESOURCES_READ = "resources/read"
TEMPLATES_LIST = "resources/templates/list"
SUBSCRIBE = "resources/subscribe"
UNSUBSCRIBE = "resources/unsubscribe"
COMPLETE = "completion/complete"
SET_LEVEL = "logging/setLevel"
ELICIT = "elicitation/create"
SAMPLE = "sampling/createMessage"
TASKS_LIST = "tasks/list"
TASKS_GET = "tasks/get"
TASKS_RESULT = "tasks/result"
TASKS_UPDATE = "tasks/update"
TASKS_CANCEL = "tasks/cancel"

INITIALIZED = "notifications/initialized"
CANCELLED = "notifications/cancelled"
PROGRESS = "notifications/progress"
MESSAGE = "notifications/message"
TOOLS_CHANGED = "notifications/tools/list_changed"
PROMPTS_CHANGED = "notifications/prompts/list_changed"
RESOURCES_CHANGED = "notifications/resources/list_changed"
ROOTS_CHANGED = "notifications/roots/list_changed"
UPDATED = "notifications/resources/updated"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
TASK_STATUS = "notifications/tasks/status"
TASKS = "notifications/tasks"

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
INFO_KEY = "io.modelcontextprotocol/clientInfo"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"
SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
TASKS_KEY = "io.modelcontextprotocol/tasks"
RELATED_TASK_KEY = "io.modelcontextprotocol/related-task"
RELATED_TASKS_KEY = "io.modelcontextprotocol/relatedTaskIds"

SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"
METHOD_HEADER = "mcp-method"
NAME_HEADER = "mcp-name"
LAST_EVENT_HEADER = "last-event-id"

UNKNOWN_SESSION = -32001
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

LISTS_CHANGED = frozenset({TOOLS_CHANGED, PROMPTS_CHANGED, RESOURCES_CHANGED})
TASK_NEWS = frozenset({TASKS, TASK_STATUS})
"""How an upstream says what became of a task: in the modern era, and in the handshake era."""
BY_TASK_ID = frozenset({TASKS_GET, TASKS_RESULT, TASKS_UPDATE, TASKS_CANCEL})
ENVELOPE = (VERSION_KEY, INFO_KEY, CAPABILITIES_KEY)
"""The `_meta` keys that every modern request carries."""
