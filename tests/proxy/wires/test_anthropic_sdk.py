"""The official Anthropic SDK against a provider of each wire."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import MessageParam, ThinkingBlock, ToolParam, ToolResultBlockParam, ToolUseBlock

from coderouter_proxy.wires import state
from proxy.wires.conftest import Side
from support.proxy import anthropic_answers, openai_answers
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, stream, whole

HELLO: list[MessageParam] = [{"role": "user", "content": "Say hello."}]
WEATHER: ToolParam = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
OSAKA = {"city": "Ōsaka"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def client(wires: Proxy, side: Side) -> Iterator[Anthropic]:
    with Anthropic(
        base_url=f"http://127.0.0.1:{wires.port}",
        api_key="unused",
        max_retries=0,
        default_headers=side.header,
    ) as sdk:
        yield sdk


@pytest.fixture
def async_client(wires: Proxy, side: Side) -> AsyncAnthropic:
    return AsyncAnthropic(
        base_url=f"http://127.0.0.1:{wires.port}",
        api_key="unused",
        max_retries=0,
        default_headers=side.header,
    )


def test_a_whole_answer(client: Anthropic, side: Side) -> None:
    side.provider.plays(side.says.answer("Hello there."))
    answer = client.messages.create(model="claude-x", max_tokens=100, messages=HELLO)
    [block] = answer.content
    assert (block.type, block.text if block.type == "text" else "") == ("text", "Hello there.")
    assert (answer.role, answer.stop_reason) == ("assistant", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (10, 3)
    assert answer.usage.cache_read_input_tokens == 2


def test_a_streamed_answer(client: Anthropic, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    with client.messages.stream(model="claude-x", max_tokens=100, messages=HELLO) as events:
        texts = list(events.text_stream)
        answer = events.get_final_message()
    assert "".join(texts) == "Hello there."
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (10, 3)
    assert answer.usage.cache_read_input_tokens == 2


def test_a_translated_answer_names_the_model_that_answered(wires: Proxy, o: Side) -> None:
    o.provider.plays(o.says.answer())
    sdk = Anthropic(base_url=f"http://127.0.0.1:{wires.port}", api_key="x", max_retries=0)
    with sdk:
        answer = sdk.messages.create(model="claude-x", max_tokens=9, messages=HELLO)
    assert answer.model == o.provider.request.json["model"] == "o-model"


@pytest.mark.anyio
async def test_a_whole_answer_async(async_client: AsyncAnthropic, side: Side) -> None:
    side.provider.plays(side.says.answer("Hello there."))
    async with async_client as sdk:
        answer = await sdk.messages.create(model="claude-x", max_tokens=100, messages=HELLO)
    assert [block.text for block in answer.content if block.type == "text"] == ["Hello there."]


@pytest.mark.anyio
async def test_a_streamed_answer_async(async_client: AsyncAnthropic, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    async with (
        async_client as sdk,
        sdk.messages.stream(model="claude-x", max_tokens=100, messages=HELLO) as events,
    ):
        texts = [text async for text in events.text_stream]
        answer = await events.get_final_message()
    assert "".join(texts) == "Hello there."
    assert answer.stop_reason == "end_turn"


def ask_with_tool(
    client: Anthropic, messages: list[MessageParam], *, streamed: bool
) -> anthropic.types.Message:
    request: dict[str, Any] = {
        "model": "claude-x",
        "max_tokens": 100,
        "messages": messages,
        "tools": [WEATHER],
    }
    if not streamed:
        answer: anthropic.types.Message = client.messages.create(**request)
        return answer
    with client.messages.stream(**request) as events:
        return events.get_final_message()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_call_and_its_result(streamed: bool, client: Anthropic, side: Side) -> None:
    calls = [("toolu_1", "weather", OSAKA), ("toolu_2", "weather", {})]
    if streamed:
        side.provider.plays(side.says.streamed_calling(*calls), side.says.streamed("Sunny."))
    else:
        side.provider.plays(side.says.calling(*calls), side.says.answer("Sunny."))

    first = ask_with_tool(client, HELLO, streamed=streamed)
    called = [block for block in first.content if isinstance(block, ToolUseBlock)]
    assert first.stop_reason == "tool_use"
    assert [(call.id, call.name, call.input) for call in called] == calls

    results: list[ToolResultBlockParam] = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in called
    ]
    answer = ask_with_tool(
        client,
        [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}],
        streamed=streamed,
    )

    assert [block.text for block in answer.content if block.type == "text"] == ["Sunny."]
    sent = side.provider.request.json["messages"]
    if side.name == "anthropic":
        assert sent[2] == {"role": "user", "content": results}
        assert [block["input"] for block in sent[1]["content"]] == [OSAKA, {}]
    else:
        assert [call["id"] for call in sent[1]["tool_calls"]] == ["toolu_1", "toolu_2"]
        assert sent[2:] == [
            {"role": "tool", "tool_call_id": call_id, "content": "sunny"}
            for call_id in ("toolu_1", "toolu_2")
        ]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking(streamed: bool, client: Anthropic, side: Side) -> None:
    thoughtful = side.says.streamed_thoughtful if streamed else side.says.thoughtful
    side.provider.plays(thoughtful("Greetings are short.", "Hello."))
    request: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    request |= {"model": "claude-x", "max_tokens": 2048, "messages": HELLO}

    if streamed:
        with client.messages.stream(**request) as events:
            answer = events.get_final_message()
    else:
        answer = client.messages.create(**request)

    thought, text = answer.content
    assert isinstance(thought, ThinkingBlock)
    assert thought.thinking == "Greetings are short."
    assert side.name == "openai" or thought.signature == anthropic_answers.SIGNATURE
    assert state.is_ours(thought.signature) == (side.name == "openai")
    assert text.type == "text"
    assert text.text == "Hello."


def test_an_image(client: Anthropic, side: Side) -> None:
    side.provider.plays(side.says.answer("A dot."))
    client.messages.create(
        model="claude-x",
        max_tokens=100,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    {"type": "image", "source": {"type": "url", "url": "https://example.org/dot.png"}},
                    {"type": "text", "text": "What is it?"},
                ],
            }
        ],
    )
    base64, url, text = side.provider.request.json["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    if side.name == "anthropic":
        assert base64["source"] == {"type": "base64", "media_type": "image/png", "data": PNG}
        assert url["source"] == {"type": "url", "url": "https://example.org/dot.png"}
    else:
        assert base64 == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        assert url == {"type": "image_url", "image_url": {"url": "https://example.org/dot.png"}}


def test_tokens_are_counted_by_a_provider_that_can_and_estimated_for_others(
    client: Anthropic, side: Side
) -> None:
    side.provider.plays(whole({"input_tokens": 1234}))
    system = "You are a weather station. " * 40

    counted = client.messages.count_tokens(model="claude-x", messages=HELLO, system=system, tools=[WEATHER])

    if side.name == "anthropic":
        assert counted.input_tokens == 1234
        assert side.provider.request.path == "/n/v1/messages/count_tokens"
        assert side.provider.request.json["system"] == system
        assert side.provider.request.json["tools"] == [WEATHER]
    else:
        assert side.provider.requests == []
        assert 200 < counted.input_tokens < 500


@pytest.mark.parametrize("broken", ["error", "garbage", "cut"])
def test_tokens_that_a_provider_cannot_count_are_estimated(broken: str, wires: Proxy, n: Side) -> None:
    scripts = {"error": n.says.error("no", 404), "garbage": whole(b"<html>"), "cut": (CUT,)}
    n.provider.plays(scripts[broken], scripts[broken])
    sdk = Anthropic(
        base_url=f"http://127.0.0.1:{wires.port}", api_key="x", max_retries=0, default_headers=n.header
    )
    with sdk:
        counted = sdk.messages.count_tokens(model="claude-x", messages=HELLO)
    assert 0 < counted.input_tokens < 30


ERRORS: dict[str, tuple[int, type[anthropic.APIStatusError], int, str]] = {
    "bad request": (400, anthropic.BadRequestError, 400, "invalid_request_error"),
    "too large": (413, anthropic.APIStatusError, 413, "request_too_large"),
    "unprocessable": (422, anthropic.UnprocessableEntityError, 422, "invalid_request_error"),
    "rate limited": (429, anthropic.RateLimitError, 429, "rate_limit_error"),
    "broken": (500, anthropic.InternalServerError, 502, "api_error"),
    "unavailable": (503, anthropic.InternalServerError, 529, "overloaded_error"),
    "overloaded": (529, anthropic.InternalServerError, 529, "overloaded_error"),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "raised", "expected_status", "kind"), ERRORS.values(), ids=ERRORS)
def test_a_failure_before_any_content_raises_the_exception_for_its_status(
    status: int,
    raised: type[anthropic.APIStatusError],
    expected_status: int,
    kind: str,
    streamed: bool,
    client: Anthropic,
    side: Side,
) -> None:
    side.provider.plays(side.says.error("the very reason", status, {"Retry-After": "7"}))
    with pytest.raises(raised, match="the very reason") as caught:
        client.messages.create(model="claude-x", max_tokens=9, messages=HELLO, stream=streamed)
    error = caught.value
    assert error.status_code == expected_status
    assert isinstance(error.body, dict)
    assert error.body["type"] == "error"
    assert error.body["error"]["type"] == kind
    assert error.request_id == error.body["request_id"]
    assert error.response.headers.get("retry-after") == ("7" if expected_status in (429, 529) else None)


def test_an_unknown_endpoint_raises_not_found(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.batches.retrieve("none")
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "not_found_error"


def test_a_failure_midstream_raises_after_the_content_so_far(client: Anthropic, side: Side) -> None:
    begun = {
        "openai": stream(openai_answers.ROLE, openai_answers.text("Hel"), CUT),
        "anthropic": stream(
            anthropic_answers.MESSAGE_START,
            anthropic_answers.start(anthropic_answers.text("")),
            anthropic_answers.content("Hel"),
            CUT,
        ),
    }
    side.provider.plays(begun[side.name])
    texts: list[str] = []
    with (
        client.messages.stream(model="claude-x", max_tokens=9, messages=HELLO) as events,
        pytest.raises(anthropic.APIStatusError, match="failed: "),
    ):
        texts.extend(events.text_stream)
    assert texts == ["Hel"]


def test_the_models_are_listed_in_the_shape_of_the_wire(client: Anthropic) -> None:
    page = client.models.list(limit=1000)
    assert [model.id for model in page.data][:2] == ["openai", "anthropic"]
    assert {model.type for model in page.data} == {"model"}
    assert page.has_more is False
    assert page.first_id == "openai"
    assert page.data[0].created_at.year >= 2020
