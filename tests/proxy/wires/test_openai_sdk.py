"""The official OpenAI SDK against a provider of each wire."""

import json
from collections.abc import Iterator
from typing import Any, cast

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionToolParam,
)

from proxy.wires.conftest import Side
from support.proxy.process import Proxy

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
OSAKA = {"city": "Ōsaka"}
URL = "https://example.org/dot.png"


@pytest.fixture
def client(wires: Proxy, side: Side) -> Iterator[OpenAI]:
    with OpenAI(base_url=wires.url, api_key="unused", max_retries=0, default_headers=side.header) as sdk:
        yield sdk


@pytest.fixture
def async_client(wires: Proxy, side: Side) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=wires.url, api_key="unused", max_retries=0, default_headers=side.header)


def test_a_whole_answer(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.answer("Hello there."))
    answer = client.chat.completions.create(model="any", messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == "Hello there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 12
    assert (answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 15)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 2


def test_a_streamed_answer(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    with client.chat.completions.create(model="any", messages=HELLO, stream=True) as chunks:
        seen = list(chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in seen) == "Hello there."
    assert seen[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in seen] == [None] * (len(seen) - 1) + ["stop"]
    assert len({chunk.id for chunk in seen}) == 1
    assert {chunk.object for chunk in seen} == {"chat.completion.chunk"}


def test_a_streamed_answer_with_usage(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.streamed())
    options: Any = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model="any", messages=HELLO, stream=True, stream_options=options)
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (12, 3)
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_stream_helper(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    with client.chat.completions.stream(model="any", messages=HELLO) as events:
        kinds = [event.type for event in events]
        answer = events.get_final_completion()
    assert kinds.count("content.delta") >= 2
    assert kinds[-1] == "content.done"
    assert answer.choices[0].message.content == "Hello there."


@pytest.mark.anyio
async def test_a_whole_answer_async(async_client: AsyncOpenAI, side: Side) -> None:
    side.provider.plays(side.says.answer("Hello there."))
    async with async_client as sdk:
        answer = await sdk.chat.completions.create(model="any", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there."


@pytest.mark.anyio
async def test_a_streamed_answer_async(async_client: AsyncOpenAI, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    async with async_client as sdk:
        chunks = await sdk.chat.completions.create(model="any", messages=HELLO, stream=True)
        text = [chunk.choices[0].delta.content or "" async for chunk in chunks]
    assert "".join(text) == "Hello there."


def ask_with_tool(
    client: OpenAI, messages: list[ChatCompletionMessageParam], *, streamed: bool
) -> ChatCompletion:
    if not streamed:
        return client.chat.completions.create(model="any", messages=messages, tools=[WEATHER])
    with client.chat.completions.stream(model="any", messages=messages, tools=[WEATHER]) as events:
        return cast("ChatCompletion", events.get_final_completion())


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_call_and_its_result(streamed: bool, client: OpenAI, side: Side) -> None:
    calls = [("toolu_1", "weather", OSAKA), ("toolu_2", "weather", {})]
    if streamed:
        side.provider.plays(side.says.streamed_calling(*calls), side.says.streamed("Sunny."))
    else:
        side.provider.plays(side.says.calling(*calls), side.says.answer("Sunny."))

    first = ask_with_tool(client, HELLO, streamed=streamed)

    assert first.choices[0].finish_reason == "tool_calls"
    called = [
        call
        for call in first.choices[0].message.tool_calls or []
        if isinstance(call, ChatCompletionMessageFunctionToolCall)
    ]
    assert [(call.id, call.function.name) for call in called] == [call[:2] for call in calls]
    assert [json.loads(call.function.arguments) for call in called] == [OSAKA, {}]

    message = first.choices[0].message.model_dump(include={"role", "content", "tool_calls"})
    results: list[ChatCompletionMessageParam] = [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in called
    ]
    again = [*HELLO, cast("ChatCompletionMessageParam", message), *results]
    answer = ask_with_tool(client, again, streamed=streamed)

    assert answer.choices[0].message.content == "Sunny."
    sent = side.provider.request.json
    if side.name == "openai":
        assert sent["messages"][2:] == results
        assert sent["tools"] == [WEATHER]
    else:
        assert sent["messages"][1:] == [
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": OSAKA},
                    {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": call_id,
                        "content": [{"type": "text", "text": "sunny"}],
                    }
                    for call_id in ("toolu_1", "toolu_2")
                ],
            },
        ]
        schema = WEATHER["function"].get("parameters")
        described = {"name": "weather", "description": "The weather of a city.", "input_schema": schema}
        assert sent["tools"] == [described]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking_comes_as_reasoning_content(streamed: bool, client: OpenAI, side: Side) -> None:
    thoughtful = side.says.streamed_thoughtful if streamed else side.says.thoughtful
    side.provider.plays(thoughtful("Greetings are short.", "Hello."))

    answer = client.chat.completions.create(model="any", messages=HELLO, stream=streamed)

    parts: list[Any] = (
        [answer.choices[0].message]
        if isinstance(answer, ChatCompletion)
        else [chunk.choices[0].delta for chunk in answer]
    )
    assert "".join(getattr(part, "reasoning_content", None) or "" for part in parts) == "Greetings are short."
    assert "".join(part.content or "" for part in parts) == "Hello."


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking_is_stripped_and_reported_unless_the_provider_has_reasoning_passthrough(
    streamed: bool, wires: Proxy, side: Side
) -> None:
    thoughtful = side.says.streamed_thoughtful if streamed else side.says.thoughtful
    side.provider.plays(thoughtful("Greetings are short.", "Hello."))

    response = wires.chat(side.profile("plain-"), stream=streamed).rest()

    assert response.status == 200
    assert b"reasoning" not in response.body
    assert b"Greetings" not in response.body
    [degraded] = [e for e in wires.story(response.request_id) if e["msg"] == "capability-degraded"]
    assert (degraded["dropped"], degraded["reason"]) == (["reasoning"], "non-standard-field")


def test_images(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.answer("Dots."))
    client.chat.completions.create(
        model="any",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}},
                    {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
                ],
            }
        ],
    )
    text, base64, url = side.provider.request.json["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    if side.name == "openai":
        assert base64["image_url"] == {"url": "data:image/png;base64,iVBORw0K"}
        assert url["image_url"] == {"url": URL, "detail": "low"}
    else:
        source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}
        assert base64 == {"type": "image", "source": source}
        assert url == {"type": "image", "source": {"type": "url", "url": URL}}


ERRORS: dict[str, tuple[int, type[openai.APIStatusError], int]] = {
    "bad request": (400, openai.BadRequestError, 400),
    "too large": (413, openai.APIStatusError, 413),
    "unprocessable": (422, openai.UnprocessableEntityError, 422),
    "rate limited": (429, openai.RateLimitError, 429),
    "broken": (500, openai.InternalServerError, 502),
    "overloaded": (529, openai.InternalServerError, 503),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "raised", "expected_status"), ERRORS.values(), ids=ERRORS)
def test_a_failure_before_any_content_raises_the_exception_for_its_status(
    status: int,
    raised: type[openai.APIStatusError],
    expected_status: int,
    streamed: bool,
    client: OpenAI,
    side: Side,
) -> None:
    side.provider.plays(side.says.error("the very reason", status, {"Retry-After": "7"}))
    with pytest.raises(raised, match="the very reason") as caught:
        client.chat.completions.create(model="any", messages=HELLO, stream=streamed)
    assert caught.value.status_code == expected_status
    assert caught.value.request_id is not None
    assert caught.value.response.headers.get("retry-after") == (
        "7" if expected_status in (429, 503) else None
    )
