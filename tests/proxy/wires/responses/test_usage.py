"""Usage that a provider does not report: estimated for the client, unknown in events."""

import json
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_response, checked_stream
from support.proxy.upstream import stream, whole

WORDS = "word " * 400


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_usage_that_is_not_reported_is_estimated_for_the_client_alone(
    streamed: bool, wires: Proxy, o: Side
) -> None:
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
    if streamed:
        chunk = {"choices": [{**choice, "delta": {"content": WORDS}}]}
        o.provider.plays(stream(b"data: %b\n\n" % json.dumps(chunk).encode(), b"data: [DONE]\n\n"))
    else:
        message = {"role": "assistant", "content": WORDS}
        o.provider.plays(whole({"choices": [{**choice, "message": message}]}))

    answered = wires.responses(o.header, stream=streamed, input=WORDS * 3).rest()

    response = checked_stream(answered.body) if streamed else checked_response(answered.json)
    usage = response["usage"]
    assert 1_000 < usage["input_tokens"] < 2_200
    assert 300 < usage["output_tokens"] < 800
    finished = wires.finished(answered.request_id)
    assert (finished["outcome"], finished["ingress"]) == ("ok", "responses")
    assert finished["input_tokens"] is finished["output_tokens"] is finished["cost_usd"] is None


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_prompt_that_is_too_long_is_400_with_its_code_on_both_wires_of_openai(
    streamed: bool, wires: Proxy, side: Side
) -> None:
    for ask in (wires.chat, wires.responses):
        side.provider.plays(side.says.error("prompt is too long: 250000 tokens > 200000 maximum", 400))
        refused = ask(side.header, stream=streamed).rest()
        assert (refused.status, refused.json["error"]["code"]) == (400, "context_length_exceeded")
