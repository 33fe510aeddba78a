"""A whole chat completion passes without its edits only where they would change nothing."""

from typing import Any

import orjson
import pytest

from coderouter_proxy.answer import NO_USAGE
from coderouter_proxy.relay.choose import EDITS
from coderouter_proxy.relay.edited import Edited
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.openai.provider import OpenAIProvider

WIRE = OpenAIProvider()
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
MESSAGE = {"role": "assistant", "content": "Hello."}
CHOICE = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
PLAIN: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [CHOICE],
    "usage": USAGE,
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def with_message(**fields: object) -> dict[str, Any]:
    return {**PLAIN, "choices": [{**CHOICE, "message": {**MESSAGE, **fields}}]}


def edited(answer: dict[str, Any], *, passes: bool) -> bytes:
    raw = orjson.dumps({"messages": [{"role": "user", "content": "Hi."}]})
    request = CLIENT_WIRES["openai"].decode("req_1", raw, {})
    conversion = Edited(
        WIRE, lambda: EDITS["openai"](request, AnswerPolicy(origin="here")), passes_plain_whole=passes
    )
    body = orjson.dumps(answer)
    return conversion.whole(body, orjson.loads(body), NO_USAGE)


@pytest.mark.parametrize(
    ("answer", "is_plain"),
    [
        (PLAIN, True),
        (with_message(refusal=None, annotations=[]), True),
        ({**PLAIN, "system_fingerprint": "x"}, True),
        (with_message(reasoning_content="Hm."), False),
        (with_message(tool_calls=[CALL]), False),
        (with_message(content=None), False),
        (with_message(content=[{"type": "text", "text": "Hello."}]), False),
        (with_message(role=None), False),
        ({**PLAIN, "choices": [CHOICE, {**CHOICE, "index": 1}]}, False),
        ({**PLAIN, "choices": [{**CHOICE, "index": -1}]}, False),
        ({**PLAIN, "choices": [{**CHOICE, "finish_reason": 1}]}, False),
        ({**PLAIN, "id": None}, False),
        ({**PLAIN, "usage": {**USAGE, "total_tokens": -1}}, False),
        ({**PLAIN, "usage": {"prompt_tokens": 3}}, False),
        ({name: value for name, value in PLAIN.items() if name != "usage"}, False),
    ],
)
def test_a_plain_answer_is_what_its_edits_would_leave_as_it_is(
    answer: dict[str, Any], is_plain: bool
) -> None:
    assert WIRE.is_plain_whole(answer) is is_plain
    assert not is_plain or edited(answer, passes=False) == orjson.dumps(answer)


def test_what_is_not_plain_is_edited_also_where_plain_answers_pass() -> None:
    answer = with_message(reasoning_content="Hm.")
    assert edited(answer, passes=True) == edited(answer, passes=False) == orjson.dumps(PLAIN)
