"""Usage is found wherever servers report it, and cached input never counts as new."""

from typing import Any

import pytest

from coderouter_proxy.answer import Usage
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from proxy.wires.conftest import Side
from support.proxy import openai_answers as openai
from support.proxy.client_view import event_data
from support.proxy.process import Proxy
from support.proxy.upstream import stream, whole

Body = dict[str, Any]
COUNTS = {"prompt_tokens": 12, "completion_tokens": 3}
TIMINGS = {"prompt_n": 10, "predicted_n": 3, "cache_n": 2}


def used(**usage: object) -> Body:
    return {"usage": {**COUNTS, **usage}}


REPORTS: dict[str, tuple[list[Body], Usage]] = {
    "OpenAI's": ([used(prompt_tokens_details={"cached_tokens": 2})], Usage(10, 3, 2)),
    "without cached tokens": ([used()], Usage(12, 3)),
    "written to the cache": (
        [used(prompt_tokens_details={"cached_tokens": 2, "cache_write_tokens": 4})],
        Usage(6, 3, 2, 4),
    ),
    "in a choice (Kimi)": ([{"choices": [used(cached_tokens=2)]}], Usage(10, 3, 2)),
    "Groq's": ([{"x_groq": used()}], Usage(12, 3)),
    "DeepSeek's": ([used(prompt_cache_hit_tokens=2, prompt_cache_miss_tokens=10)], Usage(10, 3, 2)),
    "names of the Responses API": (
        [{"usage": {"input_tokens": 12, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 2}}}],
        Usage(10, 3, 2),
    ),
    "cached tokens beside it": ([{**used(), "cached_tokens": 2}], Usage(10, 3, 2)),
    "on every chunk": ([used(completion_tokens=1), used(completion_tokens=2), used()], Usage(12, 3)),
    "cached tokens once": ([used(cached_tokens=2), used()], Usage(10, 3, 2)),
    "null": ([{"usage": None}], Usage()),
    "zeros at the end": ([used(), {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}], Usage(12, 3)),
    "llama.cpp's timings": ([{"timings": TIMINGS}], Usage(10, 3, 2)),
    "timings of each token": (
        [{"timings": {**TIMINGS, "predicted_n": n}} for n in (1, 2, 3)],
        Usage(10, 3, 2),
    ),
    "timings beside usage": ([{**used(), "timings": {**TIMINGS, "prompt_n": 99}}], Usage(12, 3)),
    "more cached than read": ([used(cached_tokens=20)], Usage(0, 3, 20)),
    "whole floats": ([used(prompt_tokens=12.0)], Usage(12, 3)),
    "numbers that are none": (
        [used(prompt_tokens=True), used(prompt_tokens=-1), used(prompt_tokens="12"), used(prompt_tokens=1.5)],
        Usage(None, 3),
    ),
    "numbers too large": ([used(prompt_tokens=10**10), used(prompt_tokens=float("inf"))], Usage(None, 3)),
    "odd places": ([{"usage": [1], "choices": [[]], "x_groq": 5, "timings": "x"}], Usage()),
}


@pytest.mark.parametrize(("chunks", "usage"), REPORTS.values(), ids=REPORTS)
def test_usage_of_openai_servers(chunks: list[Body], usage: Usage) -> None:
    found = Usage()
    for chunk in chunks:
        found = OpenAIProvider().usage(chunk, found)
    assert found._replace(nonsense=False) == usage


def start(**usage: object) -> Body:
    return {"type": "message_start", "message": {"usage": usage}}


def delta(**usage: object) -> Body:
    return {"type": "message_delta", "usage": usage}


@pytest.mark.parametrize(
    ("chunks", "usage"),
    [
        ([start(input_tokens=10, output_tokens=1), delta(output_tokens=3)], Usage(10, 3)),
        ([start(input_tokens=0), delta(input_tokens=10, output_tokens=3)], Usage(10, 3)),
        ([start(input_tokens=9, cache_read_input_tokens=2), delta(output_tokens=3)], Usage(9, 3, 2)),
        ([delta(output_tokens=2), delta(output_tokens=3)], Usage(None, 3)),
        ([delta(output_tokens=True), delta(output_tokens="3")], Usage()),
    ],
)
def test_usage_of_anthropic_servers(chunks: list[Body], usage: Usage) -> None:
    found = Usage()
    for chunk in chunks:
        found = AnthropicProvider().usage(chunk, found)
    assert found._replace(nonsense=False) == usage


PLACES: dict[str, Body] = {
    "in a choice": {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", **used(cached_tokens=2)}]},
    "in timings": {
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "timings": {"prompt_n": 10, "predicted_n": 3, "cache_n": 2},
    },
}


@pytest.mark.parametrize("chunk", PLACES.values(), ids=PLACES)
def test_a_client_that_asks_for_usage_gets_it_in_its_place(chunk: Body, wires: Proxy, o: Side) -> None:
    o.provider.plays(
        stream(openai.text("Hi"), openai.event({"id": "c1", "model": "m", **chunk}), openai.DONE)
    )

    response = wires.chat(o.header, stream=True, stream_options={"include_usage": True}).rest()

    *_, last, done = event_data(response.body)
    assert done == "[DONE]"
    assert (last["id"], last["model"], last["choices"]) == ("c1", "m", [])
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == (12, 3)
    assert last["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    finished = wires.finished(response.request_id)
    assert (finished["input_tokens"], finished["cache_read_tokens"]) == (10, 2)


@pytest.mark.parametrize("chunk", PLACES.values(), ids=PLACES)
def test_a_whole_answer_has_its_usage_in_its_place(chunk: Body, wires: Proxy, o: Side) -> None:
    message = {"message": {"role": "assistant", "content": "Hi"}}
    choice = {name: value for name, value in chunk["choices"][0].items() if name != "delta"}
    o.provider.plays(whole({"id": "c1", **chunk, "choices": [{**choice, **message}]}))

    answer = wires.chat(o.header).rest().json

    assert answer["usage"]["prompt_tokens"] == 12
    assert answer["usage"]["completion_tokens"] == 3
