"""What a model does not support is removed from requests, and reasoning from answers; each emits one event."""

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic.types import MessageParam, ThinkingConfigEnabledParam

from proxy.conftest import serving_soundly
from support.events import Event
from support.proxy import anthropic_answers, openai_answers, process
from support.proxy.process import HELLO, Proxy
from support.proxy.sdks import ANTHROPIC_HELLO, OPENAI_HELLO, anthropic_sdk, openai_sdk
from support.proxy.upstream import Provider, Script, Upstream, stream

THINKING: ThinkingConfigEnabledParam = {"type": "enabled", "budget_tokens": 1024}
DOES_NOT_SUPPORT = "provider-does-not-support"


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    urls = {name: upstream_server.provider(name).base_url for name in "abcd"}
    open_to_all = {"thinking": True, "reasoning_passthrough": True}
    providers = [
        process.provider("plain", urls["a"]),
        process.provider("thinks", urls["b"], capabilities={"thinking": True}),
        process.provider("claude", urls["c"], kind="anthropic", model="claude-sonnet-4-6"),
        process.provider("haiku", urls["d"], kind="anthropic", model="claude-3-5-haiku-latest"),
        process.provider("open", urls["a"], capabilities=open_to_all),
        process.provider("open-claude", urls["c"], kind="anthropic", capabilities=open_to_all),
        process.provider("toolless", urls["a"], capabilities={"tools": False}),
    ]
    alone = {str(entry["name"]): [str(entry["name"])] for entry in providers}
    chains = {"default": ["plain", "thinks", "claude"], "tools": ["toolless", "thinks"], **alone}
    folder = tmp_path_factory.mktemp("gates")
    with serving_soundly(folder, process.config(providers, chains)) as started:
        yield started


@pytest.fixture
def gates(running: Proxy, upstream_server: Upstream) -> Proxy:
    upstream_server.forget()
    return running


@pytest.fixture
def d(upstream_server: Upstream) -> Provider:
    return upstream_server.provider("d")


def degraded(story: list[Event]) -> list[tuple[str, list[str], str]]:
    found = [event for event in story if event["msg"] == "capability-degraded"]
    return [(event["provider"], event["dropped"], event["reason"]) for event in found]


def tried(story: list[Event]) -> list[str]:
    return [event["provider"] for event in story if event["msg"] == "try-provider"]


def test_thinking_goes_to_capable_providers_first_and_is_removed_for_the_others(
    gates: Proxy, a: Provider, b: Provider, c: Provider
) -> None:
    a.plays(openai_answers.answer("Hello."))
    b.plays(openai_answers.error("down", 500))
    c.plays(anthropic_answers.error("down", 529))
    with anthropic_sdk(gates) as sdk:
        answer = sdk.messages.with_raw_response.create(
            model="m",
            max_tokens=2000,
            messages=ANTHROPIC_HELLO,
            thinking=THINKING,
        )
    story = gates.story(answer.headers["x-request-id"])
    assert tried(story) == ["thinks", "claude", "plain"]
    assert c.request.json["thinking"] == THINKING
    assert "thinking" not in a.request.json
    assert degraded(story) == [
        ("thinks", ["thinking"], "translation-lossy"),
        ("plain", ["thinking"], DOES_NOT_SUPPORT),
    ]


@pytest.mark.parametrize("thinking", [None, {"type": "disabled"}])
def test_without_thinking_the_profiles_order_holds_and_no_event_is_emitted(
    thinking: object, gates: Proxy, a: Provider
) -> None:
    a.plays(openai_answers.answer())
    story = gates.story(gates.messages(thinking=thinking).rest().request_id)
    assert tried(story) == ["plain"]
    assert degraded(story) == []


def test_tools_go_to_providers_that_support_them_first(gates: Proxy, b: Provider) -> None:
    b.plays(openai_answers.answer())
    tools = [{"name": "weather", "input_schema": {"type": "object"}}]
    response = gates.messages({"X-CodeRouter-Profile": "tools"}, tools=tools).rest()
    assert tried(gates.story(response.request_id)) == ["thinks"]


def test_thinking_is_removed_for_a_model_without_it_on_the_same_wire(gates: Proxy, d: Provider) -> None:
    d.plays(anthropic_answers.answer())
    response = gates.messages({"X-CodeRouter-Profile": "haiku"}, thinking=THINKING, top_k=5).rest()
    assert response.status == 200
    assert d.request.json == {
        "model": "claude-3-5-haiku-latest",
        "max_tokens": 100,
        "messages": HELLO,
        "top_k": 5,
    }
    assert degraded(gates.story(response.request_id)) == [("haiku", ["thinking"], DOES_NOT_SUPPORT)]


def test_thinking_in_the_request_and_in_its_history_is_one_event(gates: Proxy, a: Provider) -> None:
    a.plays(openai_answers.answer())
    history = [
        *HELLO,
        {"role": "assistant", "content": [anthropic_answers.thinking("Hm."), anthropic_answers.text("Hi.")]},
    ]
    response = gates.messages(
        {"X-CodeRouter-Profile": "plain"}, thinking=THINKING, messages=[*history, *HELLO]
    ).rest()
    assert degraded(gates.story(response.request_id)) == [("plain", ["thinking"], DOES_NOT_SUPPORT)]


def test_cache_control_lost_by_a_translation_is_one_event(gates: Proxy, a: Provider, c: Provider) -> None:
    a.plays(openai_answers.answer())
    c.plays(anthropic_answers.answer())
    cached: Any = [
        {"type": "text", "text": word, "cache_control": {"type": "ephemeral"}} for word in ("Say", "hello.")
    ]
    messages: list[MessageParam] = [{"role": "user", "content": cached}]
    for profile, lost in (("plain", [("plain", ["cache_control"], "translation-lossy")]), ("claude", [])):
        with anthropic_sdk(gates, profile) as sdk:
            answer = sdk.messages.with_raw_response.create(
                model="m", max_tokens=100, messages=messages, system=cached
            )
        assert degraded(gates.story(answer.headers["x-request-id"])) == lost
    assert "cache_control" not in str(a.request.json)
    assert c.request.json["messages"] == messages


def with_reasoning(field: str) -> Script:
    message = {"role": "assistant", "content": "Hello.", field: "The user greets."}
    return openai_answers.answer(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])


def streamed_reasoning(field: str) -> Script:
    """Return a stream as Ollama, vLLM and OpenRouter send it: with empty content beside the reasoning, or none."""
    deltas: list[dict[str, object]] = [
        {"role": "assistant", "content": "", field: "The user "},
        {"role": "assistant", "content": "", field: "greets"},
        {field: "."},
        {"content": "Hel", field: None},
        {"content": "lo."},
    ]
    return stream(
        *(openai_answers.chunk(delta) for delta in deltas),
        openai_answers.STOP,
        openai_answers.USAGE_CHUNK,
        openai_answers.DONE,
    )


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_removed_from_a_whole_answer(field: str, gates: Proxy, a: Provider) -> None:
    a.plays(with_reasoning(field))
    with openai_sdk(gates, "plain") as sdk:
        answer = sdk.chat.completions.with_raw_response.create(model="m", messages=OPENAI_HELLO)
    message = answer.parse().choices[0].message
    assert (message.content, message.model_extra) == ("Hello.", {})
    story = gates.story(answer.headers["x-request-id"])
    assert degraded(story) == [("plain", ["reasoning"], "non-standard-field")]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_removed_from_a_stream_and_chunks_with_nothing_else_are_not_sent(
    field: str, gates: Proxy, a: Provider
) -> None:
    a.plays(streamed_reasoning(field))
    with openai_sdk(gates, "plain") as sdk:
        answer = sdk.chat.completions.with_raw_response.create(model="m", messages=OPENAI_HELLO, stream=True)
        deltas = [chunk.choices[0].delta for chunk in answer.parse()]
    assert [delta.content for delta in deltas] == ["", "Hel", "lo.", None]
    assert [delta.role for delta in deltas] == ["assistant", None, None, None]
    assert all(not delta.model_extra for delta in deltas)
    story = gates.story(answer.headers["x-request-id"])
    assert degraded(story) == [("plain", ["reasoning"], "non-standard-field")]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_stays_if_the_provider_has_reasoning_passthrough(
    field: str, gates: Proxy, a: Provider
) -> None:
    a.plays(with_reasoning(field), streamed_reasoning(field))
    with openai_sdk(gates, "open") as sdk:
        raw = sdk.chat.completions.with_raw_response.create(model="m", messages=OPENAI_HELLO)
        assert raw.parse().choices[0].message.model_extra == {field: "The user greets."}
        raw_stream = sdk.chat.completions.with_raw_response.create(
            model="m", messages=OPENAI_HELLO, stream=True
        )
        pieces = [(chunk.choices[0].delta.model_extra or {}).get(field) or "" for chunk in raw_stream.parse()]
    assert "".join(pieces) == "The user greets."
    for answer in (raw, raw_stream):
        assert degraded(gates.story(answer.headers["x-request-id"])) == []


def test_an_answer_without_reasoning_is_unchanged(gates: Proxy, a: Provider) -> None:
    a.plays(
        openai_answers.answer('It said "reasoning" aloud.'), openai_answers.streamed('"reasoning', '": x')
    )
    whole = gates.chat({"X-CodeRouter-Profile": "plain"}).rest()
    assert whole.json == openai_answers.completion('It said "reasoning" aloud.')
    streamed = gates.chat({"X-CodeRouter-Profile": "plain"}, stream=True).rest()
    assert openai_answers.text('"reasoning') in streamed.body
    for answer in (whole, streamed):
        assert degraded(gates.story(answer.request_id)) == []


@pytest.mark.parametrize(
    ("profile", "thought", "expected"),
    [
        ("claude", None, [("claude", ["reasoning"], "non-standard-field")]),
        ("open-claude", "The user greets.", []),
    ],
)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking_of_an_anthropic_provider_is_reasoning_to_an_openai_client(
    streamed: bool, profile: str, thought: str | None, expected: list[object], gates: Proxy, c: Provider
) -> None:
    says = anthropic_answers.streamed_thoughtful if streamed else anthropic_answers.thoughtful
    c.plays(says("The user greets.", "Hello."))
    response = gates.chat({"X-CodeRouter-Profile": profile}, thinking=THINKING, stream=streamed).rest()
    body = b"".join(response.body.split(b"reasoning_content"))
    assert (b"Hel" in body, b"The " in body) == (True, thought is not None)
    assert degraded(gates.story(response.request_id)) == expected
