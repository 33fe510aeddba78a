"""The compliance cases of Open Responses, on a provider of each kind.

Source: the Open Responses specification, and the ids of its acceptance tests. The objects must have every field with
the types that it names; only the fields in NULLABLE may be null.
"""

import json
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy.client_view import event_data
from support.proxy.process import Proxy
from support.proxy.responses_view import REQUIRED, checked_response, checked_stream

Body = dict[str, Any]

NULLABLE = {
    "completed_at",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "usage",
    "user",  # OpenAI's own field
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Returns the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL = ("call_1", "get_weather", {"city": "Bern"})
RED_DOT = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/q842iQAAAABJRU5ErkJggg=="
)


def said(role: str, content: object) -> Body:
    return {"type": "message", "role": role, "content": content}


def whole(wires: Proxy, side: Side, **body: object) -> Body:
    response = wires.responses(side.header, model="m", **body).rest()
    assert response.status == 200
    return complete(checked_response(response.json))


def streamed(wires: Proxy, side: Side, **body: object) -> tuple[Body, list[str]]:
    """Return the response in the last event, and the types of all events."""
    raw = wires.responses(side.header, model="m", stream=True, **body).rest().body
    return complete(checked_stream(raw)), [event["type"] for event in event_data(raw)]


def complete(response: Body) -> Body:
    assert not {name for name in REQUIRED - NULLABLE if response[name] is None}
    for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs"):
        assert isinstance(response[name], int | float), name
    assert response["status"] == "completed"
    assert response["output"]
    return response


def text(response: Body) -> str:
    [message] = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for part in message["content"])


def test_basic_response(wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.answer("Hello to you."))
    assert text(whole(wires, each_side, input=[said("user", "Say hello.")])) == "Hello to you."


def test_streaming_response(wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.streamed("1, 2, ", "3"))
    response, kinds = streamed(wires, each_side, input=[said("user", "Count to 3.")])
    assert text(response) == "1, 2, 3"
    assert kinds.count("response.output_text.delta") == 2


def test_system_prompt(wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.answer("Ahoy."))
    given = [said("system", "You are a pirate."), said("user", "Say hello.")]
    assert text(whole(wires, each_side, input=given)) == "Ahoy."
    assert "You are a pirate." in str(each_side.provider.request.json)


def test_tool_calling(wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.calling(CALL))
    response = whole(wires, each_side, input=[said("user", "How is it in Bern?")], tools=[WEATHER])
    [call] = response["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert json.loads(call["arguments"]) == {"city": "Bern"}


def test_tool_calling_streaming(wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.streamed_calling(CALL))
    given = [said("user", "How is it in Bern?")]
    response, kinds = streamed(wires, each_side, input=given, tools=[WEATHER])
    [call] = response["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    for kind in ("output_item.added", "function_call_arguments.delta", "function_call_arguments.done"):
        assert f"response.{kind}" in kinds


def test_image_input(wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.answer("A red dot."))
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": RED_DOT}]
    assert text(whole(wires, each_side, input=[said("user", parts)])) == "A red dot."
    assert RED_DOT.partition(",")[2] in str(each_side.provider.request.json)


@pytest.mark.parametrize("role", ["developer", "assistant"])
def test_multi_turn(role: str, wires: Proxy, each_side: Side) -> None:
    each_side.provider.plays(each_side.says.answer("Alice."))
    given = [said("user", "I am Alice."), said(role, "Hello Alice!"), said("user", "Who am I?")]
    assert text(whole(wires, each_side, input=given)) == "Alice."
    sent = str(each_side.provider.request.json)
    assert sent.index("I am Alice.") < sent.index("Hello Alice!") < sent.index("Who am I?")
