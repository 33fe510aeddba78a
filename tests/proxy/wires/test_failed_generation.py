"""What a model wrote is in Groq's refusal, if its server could not read the call: the proxy reads it."""

import json
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import openai_answers as openai
from support.proxy.client import Response
from support.proxy.client_view import Client
from support.proxy.process import Proxy
from support.proxy.upstream import stream, whole

WEATHER = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {}}}}
CALL = '<tool_call>{"name": "weather", "arguments": {"city": "Osaka"}}</tool_call>'


def error(text: str) -> dict[str, Any]:
    words = "Failed to call a function. See 'failed_generation'."
    inner = {"message": words, "type": "invalid_request_error", "code": "tool_use_failed"}
    return {"error": {**inner, "failed_generation": text}}


REFUSALS = {
    "a refusal": lambda text: whole(error(text), 400),
    "an event": lambda text: stream(openai.ROLE, openai.event(error(text)), openai.DONE),
}


def asked(client: Client, wires: Proxy, side: Side, **tools: Any) -> Response:
    headers = side.profile("both-")
    if client.name == "anthropic":
        return wires.messages(headers, **tools).rest()
    functions = [{"type": "function", "function": {"name": "weather"}}] if tools else None
    return wires.chat(headers, **({"tools": functions} if functions else {})).rest()


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_call_in_it_is_streamed(refusal: Any, wires: Proxy, o: Side, client: Client) -> None:
    o.provider.plays(refusal(CALL))

    response = client.stream(wires, o.profile("both-"), tools=[WEATHER]).rest()

    assert client.calls(response.body) == [("weather", {"city": "Osaka"})]
    assert client.is_complete(response.body)
    finished = wires.finished(response.request_id)
    assert (finished["provider"], finished["outcome"]) == ("openai", "ok")


def test_a_call_in_it_is_a_whole_answer(wires: Proxy, o: Side, client: Client) -> None:
    o.provider.plays(whole(error(CALL), 400))

    response = asked(client, wires, o, tools=[WEATHER])

    assert response.status == 200
    assert "Osaka" in json.dumps(response.json)
    assert "tool_call>" not in json.dumps(response.json)
    assert wires.finished(response.request_id)["provider"] == "openai"


@pytest.mark.parametrize("text", ["I cannot.", "", CALL.replace("weather", "climate")])
def test_without_a_call_in_it_the_refusal_stands(
    text: str, wires: Proxy, o: Side, n: Side, client: Client
) -> None:
    o.provider.plays(whole(error(text), 400))
    n.provider.plays(n.says.answer("Hi"))
    assert wires.finished(asked(client, wires, o, tools=[WEATHER]).request_id)["provider"] == "anthropic"


def test_without_tools_the_refusal_stands(wires: Proxy, o: Side, n: Side, client: Client) -> None:
    o.provider.plays(whole(error(CALL), 400))
    n.provider.plays(n.says.answer("Hi"))
    assert wires.finished(asked(client, wires, o).request_id)["provider"] == "anthropic"
