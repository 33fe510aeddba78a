"""Which session a request belongs to, as agents name it, and what events call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.request import Session
from coderouter_proxy.senders import session, session_hash

SAID: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello."}]}
JSON_USER = json.dumps({"device_id": "d", "account_uuid": "", "session_id": "s"})


def of(headers: dict[str, str], **body: object) -> Session | None:
    raw = {name.lower().encode(): value.encode() for name, value in headers.items()}
    whole = {**SAID, **body}
    return session.of(raw, whole, whole)


@pytest.mark.parametrize(
    ("headers", "body", "source"),
    [
        ({"X-Claude-Code-Session-Id": "s", "X-Session-Id": "t"}, {}, "x-claude-code-session-id"),
        ({"session-id": "s", "X-Session-Id": "t"}, {"prompt_cache_key": "k"}, "session-id"),
        ({"session_id": "s"}, {}, "session_id"),
        ({"X-Session-Id": "t"}, {"prompt_cache_key": "s"}, "prompt_cache_key"),
        ({"X-Session-Id": "s"}, {"metadata": {"user_id": "user_1_account__session_t"}}, "x-session-id"),
        ({}, {"metadata": {"user_id": "user_1_account__session_s"}}, "metadata.user_id"),
        ({}, {"metadata": {"user_id": JSON_USER}}, "metadata.user_id"),
    ],
)
def test_the_first_name_counts(headers: dict[str, str], body: dict[str, object], source: str) -> None:
    found = of(headers, **body)
    assert found == Session(source, f"{source}\0s".encode(), f"{source}\0s".encode())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt_cache_key": 5},
        {"prompt_cache_key": ""},
        {"metadata": "m"},
        {"metadata": {"user_id": "user-17"}},
        {"metadata": {"user_id": ["session_id"]}},
        {"metadata": {"user_id": '{"session_id": 5}'}},
        {"metadata": {"user_id": "{"}},
        {"metadata": {"user_id": "_session_" + "x" * 2000}},
    ],
)
def test_what_names_none_is_told_by_how_it_begins(body: dict[str, object]) -> None:
    found = of({"X-Session-Id": " "}, **body)
    assert found is not None
    assert found == of({})
    assert found.source == session.BEGINNING


def begins(system: object, *messages: tuple[str, object]) -> bytes | None:
    said = [{"role": role, "content": content} for role, content in messages]
    found = of({}, system=system, messages=said)
    return None if found is None else found.id


def test_a_conversation_begins_with_its_system_text_and_the_first_text_of_the_user() -> None:
    parts = [{"type": "text", "text": "Hello."}]
    first = begins("Be brief.", ("user", "Hello."))
    assert begins([{"type": "text", "text": "Be brief."}], ("user", parts), ("assistant", "Hi.")) == first
    assert begins("Be brief.", ("user", "Goodbye.")) != first
    assert begins("Be long.", ("user", "Hello.")) != first
    assert begins(None, ("system", "Be brief."), ("user", "Hello.")) is not None
    assert begins(None, ("assistant", "Hi.")) is None
    assert begins(None, ("user", [{"type": "image"}, 5]), ("user", "Hello.")) is None


def test_a_subagent_has_a_conversation_of_its_own_in_the_session() -> None:
    main = of({"X-Claude-Code-Session-Id": "s"})
    sub = of({"X-Claude-Code-Session-Id": "s", "X-Claude-Code-Agent-Id": "a1"})
    assert main is not None
    assert sub is not None
    assert main.id == sub.id
    assert main.conversation != sub.conversation


def test_the_key_is_created_once_and_only_for_its_user(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    key = session_hash.key_in(folder)
    assert session_hash.key_in(folder) == key
    assert len(key) == session_hash.KEY_BYTES
    [path] = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_cannot_be_kept_is_that_of_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / session_hash.FILE).write_bytes(b"short")
    key = session_hash.key_in(tmp_path)
    assert len(key) == session_hash.KEY_BYTES
    assert "it holds no key" in caplog.text
    (tmp_path / "file").touch()
    assert session_hash.key_in(tmp_path / "file") != key
    assert (tmp_path / session_hash.FILE).read_bytes() == b"short"


def test_events_have_12_digits_that_only_the_key_can_make() -> None:
    found = of({"X-Session-Id": "s"})
    name = session_hash.shown(found, b"key")
    assert name is not None
    assert len(name) == 12
    assert int(name, 16) >= 0
    assert session_hash.shown(found, b"key") == name
    assert session_hash.shown(found, b"other") != name
    assert session_hash.shown(None, b"key") is None
