"""Clients of both wires get filtered answers of providers of both."""

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic.types import TextBlock, ThinkingBlock

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.output_filters.filters import FILTERS
from coderouter_proxy.wires import state
from proxy.conftest import serving_soundly
from support.docs import ROOT
from support.events import Event
from support.proxy import anthropic_answers, openai_answers, process
from support.proxy.client_view import event_data
from support.proxy.process import Proxy
from support.proxy.sdks import ANTHROPIC_HELLO, OPENAI_HELLO, anthropic_sdk, openai_sdk
from support.proxy.upstream import Provider, Upstream, stream

BOTH: list[OutputFilter] = ["strip_thinking", "strip_stop_markers"]


def test_the_readme_names_every_filter() -> None:
    readme = (ROOT / "proxy" / "README.md").read_text(encoding="utf-8")
    for name in FILTERS:
        assert f"`{name}`" in readme


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    a, b = (upstream_server.provider(name).base_url for name in "ab")
    providers = [
        process.provider("openai", a, output_filters=BOTH),
        process.provider("anthropic", b, kind="anthropic", output_filters=BOTH),
        process.provider("plain", a),
        process.provider(
            "passing", a, output_filters=BOTH, capabilities={"reasoning_passthrough": True, "thinking": True}
        ),
    ]
    alone = {str(entry["name"]): [str(entry["name"])] for entry in providers}
    config = process.config(providers, alone, default_profile="plain")
    with serving_soundly(tmp_path_factory.mktemp("filters"), config) as started:
        yield started


@pytest.fixture
def filtering(running: Proxy, upstream_server: Upstream) -> Proxy:
    upstream_server.forget()
    return running


def applied(story: list[Event]) -> list[tuple[str, list[str], bool]]:
    found = [event for event in story if event["msg"] == "output-filter-applied"]
    return [(event["provider"], event["filters"], event["streaming"]) for event in found]


LEAKING = "<think>Hm.</think>Hello there.<|im_end|>"
# Every marker is cut by at least one of these.
PIECES = ("<thi", "nk>Hm.</th", "ink>Hel", "lo there.<|im", "_end|", ">")
SIDES = ["openai", "anthropic"]


def plays(upstream: Upstream, side: str, text: str, pieces: tuple[str, ...]) -> None:
    """Make the provider of that wire answer with the text, first whole, then streamed."""
    says = openai_answers if side == "openai" else anthropic_answers
    provider = upstream.provider("a" if side == "openai" else "b")
    provider.plays(says.answer(text), says.streamed(*pieces))


@pytest.mark.parametrize("side", SIDES)
def test_an_openai_client_reads_filtered_text(side: str, filtering: Proxy, upstream_server: Upstream) -> None:
    plays(upstream_server, side, LEAKING, PIECES)
    with openai_sdk(filtering, side) as sdk:
        whole = sdk.chat.completions.with_raw_response.create(model="m", messages=OPENAI_HELLO)
        assert whole.parse().choices[0].message.content == "Hello there."
        streamed = sdk.chat.completions.with_raw_response.create(
            model="m", messages=OPENAI_HELLO, stream=True
        )
        choices = [chunk.choices[0] for chunk in streamed.parse()]
    assert "".join(choice.delta.content or "" for choice in choices) == "Hello there."
    assert choices[-1].finish_reason == "stop"
    for answer, streaming in ((whole, False), (streamed, True)):
        assert applied(filtering.story(answer.headers["x-request-id"])) == [(side, BOTH, streaming)]


@pytest.mark.parametrize("side", SIDES)
def test_an_anthropic_client_reads_filtered_text(
    side: str, filtering: Proxy, upstream_server: Upstream
) -> None:
    plays(upstream_server, side, LEAKING, PIECES)
    with anthropic_sdk(filtering, side) as sdk:
        whole = sdk.messages.with_raw_response.create(model="m", max_tokens=9, messages=ANTHROPIC_HELLO)
        [block] = whole.parse().content
        assert block.type == "text"
        assert block.text == "Hello there."
        with sdk.messages.stream(model="m", max_tokens=9, messages=ANTHROPIC_HELLO) as events:
            assert "".join(events.text_stream) == "Hello there."
            request_id = events.response.headers["x-request-id"]
            assert events.get_final_message().stop_reason == "end_turn"
    assert applied(filtering.story(whole.headers["x-request-id"])) == [(side, BOTH, False)]
    assert applied(filtering.story(request_id)) == [(side, BOTH, True)]


@pytest.mark.parametrize("side", SIDES)
def test_a_client_that_requested_thinking_gets_what_was_taken_out(
    side: str, filtering: Proxy, upstream_server: Upstream
) -> None:
    plays(upstream_server, side, LEAKING, PIECES)
    usual: dict[str, Any] = {
        "model": "m",
        "max_tokens": 2048,
        "messages": ANTHROPIC_HELLO,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    with anthropic_sdk(filtering, side) as sdk:
        whole = sdk.messages.create(**usual)
        with sdk.messages.stream(**usual) as events:
            streamed = events.get_final_message()
    for message in (whole, streamed):
        thought, text = message.content
        assert isinstance(thought, ThinkingBlock)
        assert isinstance(text, TextBlock)
        assert (thought.thinking, text.text) == ("Hm.", "Hello there.")
        assert state.is_ours(thought.signature)


@pytest.mark.parametrize(("profile", "reasoning"), [("passing", "Hm."), ("openai", None)])
def test_an_openai_client_gets_what_was_taken_out_if_reasoning_is_passed_on(
    profile: str, reasoning: str | None, filtering: Proxy, upstream_server: Upstream
) -> None:
    plays(upstream_server, "openai", LEAKING, PIECES)
    header = {"X-CodeRouter-Profile": profile}
    whole = filtering.chat(header).rest().json["choices"][0]["message"]
    events = event_data(filtering.chat(header, stream=True).rest().body)
    deltas = [choice["delta"] for event in events if event != "[DONE]" for choice in event["choices"]]
    streamed = {
        name: "".join(delta.get(name) or "" for delta in deltas) for name in ("content", "reasoning_content")
    }
    assert (whole["content"], whole.get("reasoning_content")) == ("Hello there.", reasoning)
    assert (streamed["content"], streamed["reasoning_content"] or None) == ("Hello there.", reasoning)


@pytest.mark.parametrize("side", SIDES)
def test_only_filters_that_changed_something_are_reported(
    side: str, filtering: Proxy, upstream_server: Upstream
) -> None:
    for text, names in (("Hello.<|end|>", ["strip_stop_markers"]), ("Hello <b>.", [])):
        plays(upstream_server, side, text, (text[:8], text[8:]))
        for streaming in (False, True):
            response = filtering.chat({"X-CodeRouter-Profile": side}, stream=streaming).rest()
            expected = [(side, names, streaming)] if names else []
            assert applied(filtering.story(response.request_id)) == expected


@pytest.mark.parametrize("side", SIDES)
def test_text_held_back_is_sent_at_the_end(side: str, filtering: Proxy, upstream_server: Upstream) -> None:
    plays(upstream_server, side, "1 < 2 <", ("1 <", " 2 <"))
    with anthropic_sdk(filtering, side) as sdk:
        sdk.messages.create(model="m", max_tokens=9, messages=ANTHROPIC_HELLO)
        with sdk.messages.stream(model="m", max_tokens=9, messages=ANTHROPIC_HELLO) as events:
            assert "".join(events.text_stream) == "1 < 2 <"


def test_of_several_answers_only_the_first_is_filtered(filtering: Proxy, upstream_server: Upstream) -> None:
    a = upstream_server.provider("a")
    both: list[dict[str, object]] = [
        {"index": index, "delta": {"content": "<think>"}, "finish_reason": None} for index in (0, 1)
    ]
    ends: list[dict[str, object]] = [
        {"index": index, "delta": {}, "finish_reason": "stop"} for index in (0, 1)
    ]
    chunks = [
        openai_answers.event({"id": "c", "model": "m", "choices": [choice]}) for choice in (*both, *ends)
    ]
    a.plays(stream(*chunks, openai_answers.DONE))
    with openai_sdk(filtering, "openai") as sdk:
        chunks_read = sdk.chat.completions.create(model="m", messages=OPENAI_HELLO, stream=True, n=2)
        found = [(chunk.choices[0].index, chunk.choices[0].delta.content) for chunk in chunks_read]
    assert found == [(1, "<think>"), (0, None), (1, None)]


def test_without_filters_the_bytes_are_unchanged(filtering: Proxy, a: Provider) -> None:
    a.plays(openai_answers.streamed(*PIECES))
    response = filtering.chat(stream=True, stream_options={"include_usage": True}).rest()
    assert response.body == b"".join(
        (
            openai_answers.ROLE,
            *map(openai_answers.text, PIECES),
            openai_answers.STOP,
            openai_answers.USAGE_CHUNK,
            openai_answers.DONE,
        )
    )
    assert applied(filtering.story(response.request_id)) == []
