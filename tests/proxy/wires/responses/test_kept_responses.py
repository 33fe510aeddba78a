"""Responses by their ids, with the official SDK: read, list what led to them, count, cancel, delete."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses.response_item_list import ResponseItemList

from proxy.wires.conftest import Side
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_response, checked_stream
from support.proxy.upstream import whole

Body = dict[str, Any]

IMAGE = "data:image/png;base64,iVBORw0K"
CALL = {"type": "function_call", "call_id": "c1", "name": "ls", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "a.py"}
INPUT: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [{"type": "input_text", "text": "?"}, {"type": "input_image", "image_url": IMAGE}],
    },
    {"role": "assistant", "content": "Look."},
    CALL,
    RESULT,
]


@pytest.fixture
def client(wires: Proxy, o: Side) -> Iterator[OpenAI]:
    o.provider.plays(always=o.says.answer("Hello there."))
    with OpenAI(base_url=wires.url, api_key="unused", max_retries=0) as sdk:
        yield sdk


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_response_is_read_as_the_client_got_it(
    streamed: bool, client: OpenAI, wires: Proxy, side: Side
) -> None:
    side.provider.plays(side.says.streamed("Hi.") if streamed else side.says.answer("Hi."))
    sent = wires.responses(side.header, stream=streamed, instructions="Be brief.", temperature=0.5).rest()
    answer = checked_stream(sent.body) if streamed else sent.json
    raw = client.responses.with_raw_response.retrieve(answer["id"])
    assert checked_response(json.loads(raw.content)) == answer
    assert raw.parse().output_text == "Hi."


def test_a_deleted_response_is_not_found(client: OpenAI) -> None:
    answer = client.responses.create(model="any", input="Hi.")
    client.responses.delete(answer.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(answer.id)
    with pytest.raises(openai.BadRequestError, match="not found") as caught:
        client.responses.create(model="any", input="Hi.", previous_response_id=answer.id)
    assert caught.value.code == "previous_response_not_found"


def test_what_is_not_kept_is_reported_in_the_words_of_openai(client: OpenAI) -> None:
    unstored = client.responses.create(model="any", input="Hi.", store=False)
    responses = client.responses
    for response_id in (unstored.id, "resp_9"):
        for ask in (responses.retrieve, responses.delete, responses.cancel, responses.input_items.list):
            with pytest.raises(openai.NotFoundError) as caught:
                ask(response_id)
            assert caught.value.body == {
                "message": f"Response with id '{response_id}' not found.",
                "type": "invalid_request_error",
                "param": "response_id",
                "code": None,
            }


def test_a_response_that_has_ended_cannot_be_cancelled_or_streamed_again(client: OpenAI) -> None:
    answer = client.responses.create(model="any", input="Hi.")
    with pytest.raises(openai.BadRequestError, match="only background responses"):
        client.responses.cancel(answer.id)
    with pytest.raises(openai.BadRequestError, match="only streamed once"):
        client.responses.retrieve(answer.id, stream=True)


def test_the_input_of_a_response_is_listed_with_that_of_those_before_it(client: OpenAI) -> None:
    first = client.responses.create(model="any", input=INPUT)
    second = client.responses.create(model="any", input="And?", previous_response_id=first.id)

    raw = client.responses.input_items.with_raw_response.list(second.id, order="asc")

    listed = json.loads(raw.content)
    ResponseItemList.model_validate(listed)
    assert [item["type"] for item in listed["data"]] == [
        *(["message"] * 3),
        "function_call",
        "function_call_output",
        *(["message"] * 2),
    ]
    assert listed["data"][0]["content"] == [{"type": "input_text", "text": "Be brief."}]
    assert listed["data"][1]["content"][1] == {**INPUT[1]["content"][1], "detail": "auto"}
    assert listed["data"][2]["content"][0]["type"] == "output_text"
    assert listed["data"][5]["content"][0]["text"] == "Hello there."
    assert listed["data"][6]["content"] == [{"type": "input_text", "text": "And?"}]
    assert len({item["id"] for item in listed["data"]}) == 7


def test_the_input_is_listed_in_pages(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": str(number)} for number in range(45)]
    answer = client.responses.create(model="any", input=messages)
    listed = client.responses.input_items.list(answer.id)
    assert (len(listed.data), listed.has_more) == (20, True)
    for order, texts in (("desc", range(44, -1, -1)), ("asc", range(45))):
        pages = client.responses.input_items.list(answer.id, order=order, limit=7)  # type: ignore[arg-type]
        assert [item.content[0].text for item in pages] == list(map(str, texts))  # type: ignore[index, union-attr]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("after=x", "after"),
    ],
)
def test_a_page_that_cannot_be_is_refused(query: str, param: str, client: OpenAI, wires: Proxy) -> None:
    answer = client.responses.create(model="any", input="Hi.")
    refused = wires.get(f"/v1/responses/{answer.id}/input_items?{query}")
    assert (refused.status, refused.json["error"]["param"]) == (400, param)


def test_the_tokens_of_a_request_are_estimated_or_those_that_the_provider_counts(
    client: OpenAI, n: Side
) -> None:
    n.provider.plays(whole({"input_tokens": 321}))
    estimated = client.responses.input_tokens.count(model="any", input="word " * 1000)
    assert 1000 < estimated.input_tokens < 2000
    counted = client.responses.input_tokens.count(
        model="any", input="Hi.", instructions="Be brief.", extra_headers=n.header
    )
    assert (counted.input_tokens, counted.object) == (321, "response.input_tokens")
    sent = n.provider.request
    assert sent.path.endswith("/v1/messages/count_tokens")
    assert sent.json["system"] == "Be brief."
    with pytest.raises(openai.BadRequestError, match='"input" is missing'):
        client.responses.input_tokens.count(model="any")
