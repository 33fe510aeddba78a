"""What a request is for, as agents report it in headers: the main conversation, a subagent, a compaction …

Sources: what Claude Code sends with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1 (seen in 2.1.332), the metadata of codex's
`responses_metadata.rs` (seen in 0.169.0), and what Copilot CLI sends (seen in 1.0.102).
"""

from collections.abc import Mapping
from typing import get_args

import orjson

from coderouter_events.closed_sets import RequestClass

AGENT_TYPE_CHARS_MAX = 100
METADATA_BYTES_MAX = 32 * 1024  # codex lists workspaces and tools in it: 1 to 3 KB

CLAUDE_CLASS = b"x-claude-code-request-class"
CLAUDE_COMPACTION = b"x-claude-code-compaction"  # auto, manual or reactive
CLAUDE_AGENT_TYPE = b"x-claude-code-agent-type"  # the name of a built-in agent, `custom` or `teammate`
CLAUDE_AGENT_ID = b"x-claude-code-agent-id"  # of every subagent, without hint headers too
CODEX_METADATA = b"x-codex-turn-metadata"
COPILOT_INTERACTION = b"x-interaction-type"  # of the first request of a turn

_CLASSES: Mapping[bytes, RequestClass] = {name.encode(): name for name in get_args(RequestClass)}
_CODEX_CLASSES: Mapping[object, RequestClass] = {
    "turn": "main",
    "compaction": "compaction",
    "memory": "auxiliary",
    "prewarm": "auxiliary",
}
"""By `request_kind`; a turn with a `subagent_kind` is that of a subagent."""
_COPILOT_CLASSES: Mapping[bytes, RequestClass] = {
    b"conversation-user": "main",
    b"conversation-agent": "main",
    b"conversation-subagent": "subagent",
}

Hints = tuple[RequestClass | None, str | None]
"""The class, and the kind of subagent in the agent's own words."""
_NONE: Hints = (None, None)


def of(headers: Mapping[bytes, bytes]) -> Hints:
    """Return what the headers report; `headers` has lower-case names."""
    if CLAUDE_CLASS in headers or CLAUDE_AGENT_ID in headers or CLAUDE_COMPACTION in headers:
        return _of_claude_code(headers)
    if (metadata := headers.get(CODEX_METADATA)) is not None:
        return _of_codex(metadata)
    if (interaction := headers.get(COPILOT_INTERACTION)) is not None:
        return _COPILOT_CLASSES.get(interaction.strip().lower()), None
    return _NONE


def _of_claude_code(headers: Mapping[bytes, bytes]) -> Hints:
    request_class = _CLASSES.get(headers.get(CLAUDE_CLASS, b"").strip().lower())
    if CLAUDE_COMPACTION in headers:
        request_class = "compaction"
    elif request_class is None and CLAUDE_AGENT_ID in headers:
        request_class = "subagent"
    agent_type = headers.get(CLAUDE_AGENT_TYPE, b"").decode("latin-1").strip()
    return request_class, agent_type[:AGENT_TYPE_CHARS_MAX] or None


def _of_codex(metadata: bytes) -> Hints:
    if len(metadata) > METADATA_BYTES_MAX:
        return _NONE
    try:
        said = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return _NONE
    if not isinstance(said, dict):
        return _NONE
    kind, subagent = said.get("request_kind"), said.get("subagent_kind")
    request_class = _CODEX_CLASSES.get(kind) if isinstance(kind, str) else None
    if not isinstance(subagent, str) or not subagent:
        return request_class, None
    return "subagent" if request_class == "main" else request_class, subagent[:AGENT_TYPE_CHARS_MAX]
