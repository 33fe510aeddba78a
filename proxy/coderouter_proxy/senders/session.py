"""Which session a request belongs to: what its client names, or else how its conversation begins.

Sources: what Claude Code, codex, opencode and Kilo send in the versions that `make agents` runs. `metadata.user_id` of
Claude Code is `user_…_account_…_session_<id>`, or JSON with a `session_id` (seen in 2.1.332).
"""

import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from coderouter_proxy.request import Body, Session

ID_BYTES_MAX = 1024
SYSTEM_CHARS_MAX = 512
USER_CHARS_MAX = 1024
MESSAGES_MAX = 8
"""How far and how much of a beginning is read: what follows may change from request to request, and costs time."""

AGENT_ID = b"x-claude-code-agent-id"  # of every subagent of Claude Code
CACHE_KEY = "prompt_cache_key"  # codex, opencode, and others that speak to OpenAI
USER_ID = "metadata.user_id"
BEGINNING = "the system text and the first user text"

_FIRST_HEADERS = {name.encode(): name for name in ("x-claude-code-session-id", "session-id", "session_id")}
"""The latter two are codex'."""
_OTHER_HEADERS = {b"x-session-id": "x-session-id"}
"""opencode, Kilo, and any other client."""
_MARK = "_session_"

_Named = tuple[str, bytes]
"""Where the session is named, and how."""


def of(headers: Mapping[bytes, bytes], body: Body, outline: Body) -> Session | None:
    """Return the session; None if the client names none and there is no text. `headers` has lower-case names."""
    found = (
        _in_headers(headers, _FIRST_HEADERS)
        or _cache_key(body)
        or _in_headers(headers, _OTHER_HEADERS)
        or _user_id(body)
        or _beginning(outline)
    )
    if found is None:
        return None
    source, value = found
    session_id = b"%b\0%b" % (source.encode(), value)
    agent_id = headers.get(AGENT_ID)
    return Session(
        source,
        session_id,
        session_id if agent_id is None else b"%b\0%b" % (session_id, agent_id[:ID_BYTES_MAX]),
    )


def slot(session: Session, slots: int) -> int:
    """Return which of so many slots of a server the conversation has."""
    return zlib.crc32(session.conversation) % slots


def _in_headers(headers: Mapping[bytes, bytes], names: Mapping[bytes, str]) -> _Named | None:
    for name, source in names.items():
        if (value := headers.get(name)) and (value := value.strip()):
            return source, value[:ID_BYTES_MAX]
    return None


def _cache_key(body: Body) -> _Named | None:
    key = body.get(CACHE_KEY)
    return (CACHE_KEY, _encoded(key)[:ID_BYTES_MAX]) if isinstance(key, str) and key else None


def _user_id(body: Body) -> _Named | None:
    metadata = body.get("metadata")
    user_id = metadata.get("user_id") if isinstance(metadata, dict) else None
    found = _of_user_id(user_id) if isinstance(user_id, str) else ""
    return (USER_ID, _encoded(found)) if found else None


def _of_user_id(user_id: str) -> str:
    """Return the session in the id of a user; empty if there is none."""
    if len(user_id) > ID_BYTES_MAX:
        return ""
    if not user_id.startswith("{"):
        return user_id.rpartition(_MARK)[2] if _MARK in user_id else ""
    try:
        found = orjson.loads(user_id).get("session_id")
    except orjson.JSONDecodeError:
        return ""
    return found if isinstance(found, str) else ""


def _beginning(outline: Body) -> _Named | None:
    """Return how the system text and the first text of the user begin; None without any."""
    messages = outline.get("messages")
    system, user = _text(outline.get("system"), SYSTEM_CHARS_MAX), ""
    for message in messages[:MESSAGES_MAX] if isinstance(messages, list) else []:
        role = message.get("role")
        if role == "user":
            user = _text(message.get("content"), USER_CHARS_MAX)
            break
        if role in ("system", "developer") and not system:
            system = _text(message.get("content"), SYSTEM_CHARS_MAX)
    if not system and not user:
        return None
    return BEGINNING, _encoded(f"{system}\0{user}")


def _text(content: Any, chars_max: int) -> str:  # noqa: ANN401 - of a client
    if isinstance(content, str):
        return content[:chars_max]
    text = ""
    for part in content[:MESSAGES_MAX] if isinstance(content, list) else []:
        if len(text) >= chars_max:
            break
        if isinstance(part, dict) and isinstance(words := part.get("text"), str):
            text += words[: chars_max - len(text)]
    return text


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")
