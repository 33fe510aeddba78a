"""No part of a key is shown that a provider repeats in its words, as it is, cut, or in base64."""

import base64
import json
from urllib.parse import quote

import pytest

from coderouter_proxy.redact import scrubbed
from proxy.conftest import A_KEY, B_KEY
from support.proxy.process import Proxy
from support.proxy.upstream import Provider, whole

KEYS = [A_KEY, B_KEY, "0123456789abcdef0123456789abcdef", "AKIA+/=secret+/secret+/secret=="]
PART_CHARS = 8
"""So many characters of a key are never shown in a row."""


def parts(key: str) -> set[str]:
    return {key[start : start + PART_CHARS] for start in range(len(key) - PART_CHARS + 1)}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "cut", [slice(None, 8), slice(None, 20), slice(-9, None), slice(4, 15), slice(1, -1)]
)
def test_a_key_that_is_cut_is_scrubbed(key: str, cut: slice) -> None:
    shown = scrubbed(f"Incorrect API key provided: {key[cut]}…, and {key[cut]}.", key)
    assert shown == "Incorrect API key provided: ***…, and ***."


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("before", ["", "a", "user:", "Bearer "])
@pytest.mark.parametrize("after", ["", "x", "\n\n"])
@pytest.mark.parametrize("url_safe", [False, True])
def test_a_key_in_base64_is_scrubbed(key: str, before: str, after: str, url_safe: bool) -> None:
    text = encoded(before + key + after)
    if url_safe:
        text = text.replace("+", "-").replace("/", "_").rstrip("=")
    shown = scrubbed(f"cannot authorize Basic {text} here", key)
    assert "***" in shown
    assert shown.startswith("cannot authorize Basic ")
    assert shown.endswith(" here")
    for start in range(len(text) - 16):
        assert text[start + 4 : start + 16] not in shown


@pytest.mark.parametrize("key", KEYS)
def test_base64_that_is_cut_is_scrubbed(key: str) -> None:
    text = encoded(f"user:{key}")
    shown = scrubbed(f"got {text[:30]}", key)
    assert text[12:24] not in shown


@pytest.mark.parametrize("key", KEYS)
def test_escapes_show_no_part_of_a_key(key: str) -> None:
    for text in (quote(key, safe=""), json.dumps(key), key.swapcase().swapcase(), " ".join(key.split(" "))):
        shown = scrubbed(f"got {text}", key)
        assert not [part for part in parts(key) if part in shown]


def test_words_that_share_less_than_that_with_a_key_stay() -> None:
    words = "The key sk-test is too short; see https://example.com/keys for abcdefg and Basic c2stdGVz."
    assert scrubbed(words, B_KEY) == words


def test_a_short_secret_is_scrubbed_as_a_whole_and_in_base64() -> None:
    assert scrubbed("got pass-1 and pass", "pass-1") == "got *** and pass"
    assert encoded("pass-1") not in scrubbed(f"got {encoded('pass-1')}", "pass-1")


@pytest.mark.parametrize(
    "echo", [B_KEY[:12], encoded(B_KEY), encoded(f"user:{B_KEY}"), "x" * 1990 + B_KEY, "x" * 290 + B_KEY]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_neither_client_nor_event_nor_log_shows_a_part(
    echo: str, as_json: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    said = {"error": {"message": f"wrong key {echo}"}} if as_json else f"wrong key {echo}".encode()
    b.plays(whole(said, 401))
    a.plays(whole({"error": {"message": "no"}}, 500))
    response = served.chat(profile="both").rest()
    shown = response.body.decode() + json.dumps(served.story(response.request_id)) + served.command.stderr
    assert not [part for part in parts(B_KEY) if part in shown]
    assert encoded(B_KEY)[4:16] not in shown
    assert encoded(f"user:{B_KEY}")[10:24] not in shown
