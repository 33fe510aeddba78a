from typing import cast

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, Provider, stream, whole

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ōsaka"}'}}


@pytest.fixture
def client(served: Proxy) -> OpenAI:
    return OpenAI(base_url=served.url, api_key="unused", max_retries=0)


@pytest.fixture
def async_client(served: Proxy) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=served.url, api_key="unused", max_retries=0)


def test_a_whole_answer(client: OpenAI, a: Provider) -> None:
    a.plays(says.answer("Hello there."))
    with client:
        answer = client.chat.completions.create(model="any", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 3)


def test_a_streamed_answer(client: OpenAI, a: Provider) -> None:
    a.plays(says.streamed("Hello", " there."))
    with client, client.chat.completions.create(model="any", messages=HELLO, stream=True) as chunks:
        # As careless clients do: every chunk has a choice, unless usage was requested.
        choices = [chunk.choices[0] for chunk in chunks]
    assert "".join(choice.delta.content or "" for choice in choices) == "Hello there."
    assert choices[-1].finish_reason == "stop"


def test_a_streamed_answer_with_usage(client: OpenAI, a: Provider) -> None:
    a.plays(says.streamed())
    with client:
        chunks = list(
            client.chat.completions.create(
                model="any", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
        )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 15
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.anyio
async def test_a_whole_answer_async(async_client: AsyncOpenAI, a: Provider) -> None:
    a.plays(says.answer("Hello there."))
    async with async_client:
        answer = await async_client.chat.completions.create(model="any", messages=HELLO)
    assert answer.choices[0].message.content == "Hello there."


@pytest.mark.anyio
async def test_a_streamed_answer_async(async_client: AsyncOpenAI, a: Provider) -> None:
    a.plays(says.streamed("Hello", " there."))
    async with async_client:
        chunks = await async_client.chat.completions.create(model="any", messages=HELLO, stream=True)
        text = [chunk.choices[0].delta.content or "" async for chunk in chunks]
    assert "".join(text) == "Hello there."


def test_a_tool_call_and_its_result(client: OpenAI, a: Provider) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    a.plays(says.answer(choices=[choice]), says.answer("Sunny."))

    with client:
        answer = client.chat.completions.create(model="any", messages=HELLO, tools=[WEATHER])
        [call] = answer.choices[0].message.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Ōsaka"}')
        assert a.request.json["tools"] == [WEATHER]

        result: ChatCompletionMessageParam = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        call_again = cast("ChatCompletionMessageParam", answer.choices[0].message)
        answer = client.chat.completions.create(
            model="any", messages=[*HELLO, call_again, result], tools=[WEATHER]
        )
    assert answer.choices[0].message.content == "Sunny."
    assert a.request.json["messages"][1]["tool_calls"] == [CALL]
    assert a.request.json["messages"][2] == result


def test_streamed_tool_calls(client: OpenAI, a: Provider) -> None:
    def part(arguments: str, **first: object) -> bytes:
        function = {"arguments": arguments, **({"name": "weather"} if first else {})}
        return says.chunk({"tool_calls": [{"index": 0, **first, "function": function}]})

    a.plays(
        stream(
            says.ROLE,
            part("", id="call_1", type="function"),
            part('{"city":'),
            part('"Ōsaka"}'),
            says.chunk({}, "tool_calls"),
            says.USAGE_CHUNK,
            says.DONE,
        )
    )
    with client:
        chunks = list(
            client.chat.completions.create(model="any", messages=HELLO, tools=[WEATHER], stream=True)
        )
    parts = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert "".join((part.function and part.function.arguments) or "" for part in parts) == '{"city":"Ōsaka"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_the_sdks_own_stream_helper_accumulates(client: OpenAI, a: Provider) -> None:
    a.plays(says.streamed("Hello", " there."))
    with client, client.chat.completions.stream(model="any", messages=HELLO) as helper:
        final = helper.get_final_completion()
    assert final.choices[0].message.content == "Hello there."


def test_the_models_are_the_profiles_and_providers(client: OpenAI) -> None:
    with client:
        ids = [model.id for model in client.models.list()]
    assert ids[:3] == ["default", "one", "both"]
    assert "echo" in ids
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_a_failure_before_any_content_raises_the_exception_for_its_status(
    status: int, error: type[openai.APIStatusError], streamed: bool, client: OpenAI, a: Provider
) -> None:
    a.plays(says.error("the reason", status, {"Retry-After": "7"}))
    with client, pytest.raises(error, match="the reason") as raised:
        client.chat.completions.create(
            model="any", messages=HELLO, stream=streamed, extra_body={"profile": "one"}
        )
    assert raised.value.request_id is not None
    assert raised.value.response.headers.get("retry-after") == ("7" if status == 429 else None)


def test_an_unknown_profile_raises_a_bad_request(client: OpenAI) -> None:
    with client, pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="any", messages=HELLO, extra_body={"profile": "none"})
    assert (raised.value.code, raised.value.param) == ("unknown_profile", "profile")


def test_an_unknown_endpoint_raises_not_found(client: OpenAI) -> None:
    with client, pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="any", input="Hello")


def test_a_failure_midstream_raises_after_the_content_so_far(client: OpenAI, a: Provider) -> None:
    a.plays(stream(says.ROLE, says.text("Hel"), CUT))
    with client:
        chunks = client.chat.completions.create(model="any", messages=HELLO, stream=True)
        assert [next(chunks).choices[0].delta.content for _ in range(2)] == ["", "Hel"]
        with pytest.raises(openai.APIError, match="a failed: ") as raised:
            next(chunks)
    assert raised.value.code == "upstream_failed_midstream"


@pytest.mark.anyio
async def test_a_failure_midstream_raises_async(async_client: AsyncOpenAI, a: Provider) -> None:
    a.plays(stream(says.text("Hel"), says.event({"error": {"message": "out of memory"}})))
    async with async_client:
        chunks = await async_client.chat.completions.create(model="any", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="out of memory"):
            _ = [chunk async for chunk in chunks]


@pytest.mark.parametrize("body", [{"data": 1}, "x"])
def test_the_sdk_retries_what_the_proxy_marks_as_retryable(body: object, served: Proxy, a: Provider) -> None:
    a.plays(whole(body), says.answer("Hello at last."))
    with OpenAI(base_url=served.url, api_key="unused", max_retries=1) as client:
        answer = client.chat.completions.create(model="any", messages=HELLO, extra_body={"profile": "one"})
    assert answer.choices[0].message.content == "Hello at last."
