"""What clients refer to works with any worker and after a restart, as far as it is in ids."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.proxy import client, openai_answers, process
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_response, checked_stream
from support.proxy.upstream import Upstream

pytestmark = pytest.mark.slow

Body = dict[str, Any]

HELLO = {"role": "user", "content": "Hi."}
TOOLS = [{"type": "custom", "name": "run"}, {"type": "function", "name": "ls"}]


@contextmanager
def serving(folder: Path, upstream: Upstream, name: str) -> Iterator[Proxy]:
    path = folder / name
    path.mkdir()
    provider = process.provider("a", upstream.provider("a").base_url)
    with process.serving(path, process.config([provider]), "--workers", "2") as started:
        yield started
        assert started.command.stop() == 0


def test_items_in_their_ids_and_state_of_reasoning_need_no_process(
    tmp_path: Path, upstream_server: Upstream
) -> None:
    upstream_server.forget()
    provider = upstream_server.provider("a")
    call = ("call_1", "run", {"input": "x"})
    message = {
        "role": "assistant",
        "content": "Look.",
        "reasoning_content": "Hm.",
        "tool_calls": [openai_answers.call(*call)],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    provider.plays(
        openai_answers.answer(choices=[choice]),
        openai_answers.streamed_thoughtful("Hm.", "Look."),
        always=openai_answers.answer("Done."),
    )
    with serving(tmp_path, upstream_server, "before") as first:
        whole = checked_response(first.responses(tools=TOOLS).rest().json)
        sealed = checked_stream(first.responses(tools=TOOLS, store=False, stream=True).rest().body)
    references = [{"type": "item_reference", "id": item["id"]} for item in whole["output"]]
    result = {"type": "custom_tool_call_output", "call_id": whole["output"][-1]["call_id"], "output": "ok"}
    with serving(tmp_path, upstream_server, "after") as second:
        for _ in range(6):  # each worker gets some of them
            answered = second.responses(input=[HELLO, *references, result], tools=TOOLS).rest()
            assert answered.status == 200
            [_, assistant, tool] = provider.request.json["messages"]
            assert (assistant["content"], assistant["reasoning_content"]) == ("Look.", "Hm.")
            assert [called["id"] for called in assistant["tool_calls"]] == ["call_1"]
            assert tool["content"] == "ok"

            second.responses(input=[HELLO, *sealed["output"], HELLO], store=False).rest()
            assistant = provider.request.json["messages"][1]
            assert (assistant["content"], assistant["reasoning_content"]) == ("Look.", "Hm.")


def test_reasoning_without_state_is_never_missing(tmp_path: Path, upstream_server: Upstream) -> None:
    upstream_server.forget()
    provider = upstream_server.provider("a")
    provider.plays(
        openai_answers.streamed_thoughtful("Hm.", "Hi."), always=openai_answers.streamed("Hello again.")
    )
    with serving(tmp_path, upstream_server, "before") as first:
        reasoning, _ = checked_stream(first.responses(stream=True).rest().body)["output"]
    reference = {"type": "item_reference", "id": reasoning["id"]}
    with serving(tmp_path, upstream_server, "after") as second:
        answered = second.responses(input=[reference, HELLO], stream=True).rest()
        assert answered.status == 200
        assert provider.request.json["messages"] == [HELLO]


@pytest.mark.skipif(sys.platform != "linux", reason="workers share memory on Linux")
def test_workers_find_what_each_other_has_streamed(tmp_path: Path, upstream_server: Upstream) -> None:
    upstream_server.forget()
    provider = upstream_server.provider("a")
    provider.plays(always=openai_answers.streamed("Hi."))
    with serving(tmp_path, upstream_server, "shared") as started:
        previous = None
        for number in range(1, 13):
            sent = started.responses(stream=True, input=f"{number}?", previous_response_id=previous).rest()
            response = checked_stream(sent.body)
            previous = response["id"]
            assert len(provider.request.json["messages"]) == 2 * number - 1
            reference = {"type": "item_reference", "id": response["output"][0]["id"]}
            assert started.responses(stream=True, input=[HELLO, reference, HELLO]).rest().status == 200
        path = f"/v1/responses/{previous}"
        assert {started.get(path).status for _ in range(12)} == {200}
        assert client.request(started.port, "DELETE", path).status == 200
        assert {started.get(path).status for _ in range(12)} == {404}


def test_a_reference_to_the_memory_of_another_process_is_a_miss(
    tmp_path: Path, upstream_server: Upstream
) -> None:
    upstream_server.forget()
    upstream_server.provider("a").plays(always=openai_answers.streamed("Hi."))
    with serving(tmp_path, upstream_server, "before") as first:
        response = checked_stream(first.responses(stream=True).rest().body)
    [item] = response["output"]
    with serving(tmp_path, upstream_server, "after") as second:
        missing = second.responses(input=[{"type": "item_reference", "id": item["id"]}]).rest()
        assert (missing.status, missing.json["error"]["param"]) == (404, "input")
        missing = second.responses(previous_response_id=response["id"]).rest()
        assert missing.json["error"]["code"] == "previous_response_not_found"
