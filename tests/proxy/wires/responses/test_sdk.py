"""The official OpenAI SDK with the Responses API against a provider of each wire."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from proxy.wires.conftest import Side
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_response

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
OSAKA = {"city": "Ōsaka"}


@pytest.fixture
def client(wires: Proxy, side: Side) -> Iterator[OpenAI]:
    with OpenAI(base_url=wires.url, api_key="unused", max_retries=0, default_headers=side.header) as sdk:
        yield sdk


def test_a_whole_answer(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.answer("Hello there."))
    raw = client.responses.with_raw_response.create(model="any", input="Say hello.")
    checked_response(json.loads(raw.content))
    answer = raw.parse()
    assert (answer.output_text, answer.status) == ("Hello there.", "completed")
    assert answer.usage is not None
    usage = (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens)
    assert usage == (12, 3, 15)
    assert answer.usage.input_tokens_details.cached_tokens == 2


def test_a_streamed_answer(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    with client.responses.stream(model="any", input="Say hello.") as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert events.get_final_response().output_text == text == "Hello there."


@pytest.mark.anyio
async def test_a_streamed_answer_async(wires: Proxy, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello", " there."))
    async with AsyncOpenAI(
        base_url=wires.url, api_key="unused", max_retries=0, default_headers=side.header
    ) as sdk:
        events = await sdk.responses.create(model="any", input="Say hello.", stream=True)
        kinds = [event.type async for event in events]
    assert kinds[-1] == "response.completed"


def ask(client: OpenAI, given: Any, *, streamed: bool, **more: Any) -> Response:
    if not streamed:
        whole: Response = client.responses.create(model="any", input=given, tools=[WEATHER], **more)
        return whole
    with client.responses.stream(model="any", input=given, tools=[WEATHER], **more) as events:
        list(events)
        final: Response = events.get_final_response()
        return final


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_parallel_tool_calls_and_their_results(streamed: bool, client: OpenAI, side: Side) -> None:
    calls = [("toolu_1", "weather", OSAKA), ("toolu_2", "weather", {})]
    if streamed:
        side.provider.plays(side.says.streamed_calling(*calls), side.says.streamed("Sunny."))
    else:
        side.provider.plays(side.says.calling(*calls), side.says.answer("Sunny."))
    hello = {"role": "user", "content": "Weather?"}

    first = ask(client, [hello], streamed=streamed)

    called = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    assert [(call.call_id, call.name) for call in called] == [call[:2] for call in calls]
    assert [json.loads(call.arguments) for call in called] == [OSAKA, {}]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in called
    ]
    answer = ask(client, [hello, *first.output, *results], streamed=streamed)
    assert answer.output_text == "Sunny."
    sent = side.provider.request.json["messages"]
    assert [message["role"] for message in sent] == (
        ["user", "assistant", "tool", "tool"] if side.name == "openai" else ["user", "assistant", "user"]
    )
    ids = [call["id"] for call in sent[1].get("tool_calls") or sent[1]["content"]]
    assert ids == ["toolu_1", "toolu_2"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_conversation_by_previous_response(streamed: bool, client: OpenAI, side: Side) -> None:
    answers = side.says.streamed("One."), side.says.streamed("Two.")
    whole = side.says.answer("One."), side.says.answer("Two.")
    side.provider.plays(*(answers if streamed else whole))
    first = ask(client, "1?", streamed=streamed)
    second = ask(client, "2?", streamed=streamed, previous_response_id=first.id)
    assert (second.output_text, second.previous_response_id) == ("Two.", first.id)
    texts = json.dumps(side.provider.request.json["messages"])
    assert [texts.count(word) for word in ("1?", "One.", "2?")] == [1, 1, 1]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_reference_to_what_the_model_said(streamed: bool, client: OpenAI, side: Side) -> None:
    side.provider.plays(*((side.says.streamed("One."),) * 2 if streamed else (side.says.answer("One."),) * 2))
    first = ask(client, "1?", streamed=streamed)
    references = [{"type": "item_reference", "id": item.id} for item in first.output]
    ask(client, [{"role": "user", "content": "1?"}, *references], streamed=streamed)
    assert "One." in json.dumps(side.provider.request.json["messages"])


class Answer(BaseModel):
    city: str


def test_structured_output_is_parsed(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.answer('{"city": "Osaka"}'))
    answer = client.responses.parse(model="any", input="Where?", text_format=Answer)
    assert answer.output_parsed == Answer(city="Osaka")
    sent = side.provider.request.json
    wanted = sent.get("response_format", {}).get("json_schema") or sent["output_config"]["format"]
    assert wanted["schema"]["properties"]["city"]["type"] == "string"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_thinking_comes_as_reasoning(streamed: bool, client: OpenAI, side: Side) -> None:
    thoughtful = side.says.streamed_thoughtful if streamed else side.says.thoughtful
    side.provider.plays(thoughtful("Greetings are short.", "Hello."))
    answer = ask(client, "Say hello.", streamed=streamed, store=False)
    reasoning = answer.output[0]
    assert reasoning.type == "reasoning"
    assert reasoning.summary[0].text == "Greetings are short."
    assert reasoning.encrypted_content
    assert answer.output_text == "Hello."


def test_an_image(client: OpenAI, side: Side) -> None:
    side.provider.plays(side.says.answer("Dots."))
    image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0K", "detail": "auto"}
    content: Any = [{"type": "input_text", "text": "What is it?"}, image]
    client.responses.create(model="any", input=[{"role": "user", "content": content}])
    [_, sent] = side.provider.request.json["messages"][0]["content"]
    assert "iVBORw0K" in json.dumps(sent)


ERRORS: dict[str, tuple[int, type[openai.APIStatusError], int]] = {
    "bad request": (400, openai.BadRequestError, 400),
    "unprocessable": (422, openai.BadRequestError, 400),
    "rate limited": (429, openai.RateLimitError, 429),
    "broken": (500, openai.InternalServerError, 502),
    "overloaded": (529, openai.InternalServerError, 503),
    "key refused": (401, openai.BadRequestError, 400),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "raised", "expected"), ERRORS.values(), ids=ERRORS)
def test_a_failure_before_any_content_raises_the_exception_for_its_status(
    status: int,
    raised: type[openai.APIStatusError],
    expected: int,
    streamed: bool,
    client: OpenAI,
    side: Side,
    wires: Proxy,
) -> None:
    side.provider.plays(side.says.error("the very reason", status, {"Retry-After": "7"}))
    with pytest.raises(raised, match="the very reason") as caught:
        client.responses.create(model="any", input="Say hello.", stream=streamed)
    assert caught.value.status_code == expected
    assert caught.value.request_id is not None
    assert wires.finished(caught.value.request_id)["status"] == expected
    if expected == 429:
        assert caught.value.code == "rate_limit_exceeded"
        assert caught.value.response.headers["retry-after"] == "7"
