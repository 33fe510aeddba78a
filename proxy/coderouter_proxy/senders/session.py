"""Which session a request belongs to: what its client names, or else how its conversation begins.

Sources: what Claude Code, codex, opencode and Kilo send in the versions that `make agents` runs. `metadata.user_id` of
Claude Code is `user_…_account_…_session_<id>`, or JSON with a `session_id` (seen in 2.1.332).
"""

import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import orjson

from coderouter_proxy.request import Body, Session

ID_BYTES_MAX = 1024
TEXT_CHARS_MAX = (
    4096  # of the system text and of the first user text: what follows may change, and costs time
)

AGENT_ID = b"x-claude-code-agent-id"  # of every subagent of Claude Code
FIRST_HEADERS = (b"x-claude-code-session-id", b"session-id", b"session_id")  # the latter two of codex
CACHE_KEY = "prompt_cache_key"  # codex, opencode, and others that speak to OpenAI
OTHER_HEADERS = (b"x-session-id",)  # opencode, Kilo, and any other client
USER_ID = "metadata.user_id"
BEGINNING = "the system text and the first user text"

_MARK = "_session_"
_DIGEST_BYTES = 16


def of(headers: Mapping[bytes, bytes], body: Body, outline: Body) -> Session | None:
    """Return the session; None if the client names none and there is no text. `headers` has lower-case names."""
    for source, value in _named(headers, body):
        if value := value.strip()[:ID_BYTES_MAX]:
            return _session(source, value, headers)
    digest = _beginning(outline)
    return None if digest is None else _session(BEGINNING, digest, headers)


def slot(session: Session, slots: int) -> int:
    """Return which of so many slots of a server the conversation has."""
    return zlib.crc32(session.conversation) % slots


def _session(source: str, value: bytes, headers: Mapping[bytes, bytes]) -> Session:
    session_id = f"{source}\0".encode() + value
    agent_id = headers.get(AGENT_ID, b"")[:ID_BYTES_MAX]
    return Session(source, session_id, session_id + b"\0" + agent_id if agent_id else session_id)


def _named(headers: Mapping[bytes, bytes], body: Body) -> Iterator[tuple[str, bytes]]:
    """Yield what may name the session, the strongest first, each with where it is."""
    yield from _in(headers, FIRST_HEADERS)
    if isinstance(key := body.get(CACHE_KEY), str):
        yield CACHE_KEY, _encoded(key)
    yield from _in(headers, OTHER_HEADERS)
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and isinstance(user_id := metadata.get("user_id"), str):
        yield USER_ID, _encoded(_of_user_id(user_id))


def _in(headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        if (value := headers.get(name)) is not None:
            yield name.decode(), value


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


def _beginning(outline: Body) -> bytes | None:
    """Return a digest of the system text and the first text of the user; None without any."""
    messages = outline.get("messages")
    texts = [_text(outline.get("system"))]
    for message in messages if isinstance(messages, list) else []:
        role = message.get("role")
        if role in ("system", "developer"):
            texts.append(_text(message.get("content")))
        elif role == "user":
            texts.append(_text(message.get("content")))
            break
    if not any(texts):
        return None
    return sha256(_encoded("\0".join(texts))).digest()[:_DIGEST_BYTES]


def _text(content: Any) -> str:  # noqa: ANN401 - of a client
    if isinstance(content, str):
        return content[:TEXT_CHARS_MAX]
    text = ""
    for part in content if isinstance(content, list) else []:
        if len(text) >= TEXT_CHARS_MAX:
            break
        if isinstance(part, dict) and isinstance(words := part.get("text"), str):
            text += words[: TEXT_CHARS_MAX - len(text)]
    return text


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")
