"""The shape of chat completions and their chunks: a value that no client can read is left out."""

import time
from collections.abc import Mapping
from typing import Any, Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires import token_report
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.openai import finish

CHUNK: Final = "chat.completion.chunk"
COMPLETION: Final = "chat.completion"
_ENVELOPE: Final[Mapping[str, type]] = {"id": str, "created": int, "model": str}

# Of a message or a delta; the SDKs append texts and go through lists without a look at their types.
_FIELDS: Final[Mapping[str, tuple[type, ...]]] = {
    "role": (str,),
    "content": (str, list),
    "refusal": (str,),
    "reasoning": (str,),
    "reasoning_content": (str,),
    "tool_calls": (list,),
    "function_call": (dict,),
}
_LISTS: Final = ("content", "tool_calls")
# Of these, edits change some, and others need what is in them.
_EDITED: Final = frozenset(
    {
        "tool_calls",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "reasoning_text",
        "thinking",
        "extra_content",
    }
)


def choices(chunk: Body) -> list[dict[str, Any]]:
    """Return the choices of a chunk or a completion that are objects."""
    found = chunk.get("choices")
    return [choice for choice in found if isinstance(choice, dict)] if isinstance(found, list) else []


def first_choice(answer: Body) -> Body | None:
    """Return the first of several answers; None if there is none."""
    found = answer.get("choices")
    if (
        type(found) is list
        and len(found) == 1
        and type(choice := found[0]) is dict
        and (choice.get("index") == 0 or "message" in choice)
    ):
        return choice  # nearly always; some servers count the only choice of a whole answer from 1
    return next((choice for choice in choices(answer) if _is_first(choice.get("index"))), None)


def _is_first(index: object) -> bool:
    return not isinstance(index, int) or index <= 0  # some servers write it as a text, or not at all


def with_choice(answer: Body, choice: Body, **fields: object) -> Body:
    """Return the answer with these fields in this one of its choices."""
    edited = {**choice, **fields}
    return {**answer, "choices": [edited if each is choice else each for each in answer["choices"]]}


class Envelope:
    """What all chunks of an answer have in common, whether their server says so or not."""

    def __init__(self, kind: str) -> None:
        self._object = kind
        self._known: Body = {}

    def around(self, answer: Body) -> Body:
        """Return a completion or a chunk with all of it, and its usage in shape; the same object if it has that."""
        edited = answer
        if not has_envelope(answer, self._object):
            edited = {**answer, **self._fields(answer)}
        usage = answer.get("usage")
        if usage is not None and (fitting := _usage(usage)) is not usage:
            edited = {**edited, "usage": fitting}
        return edited

    def _fields(self, answer: Body) -> Body:
        usual: Body = {"id": new_id("chatcmpl-"), "created": int(time.time()), "model": "unknown"}
        given = {name: answer[name] for name, kind in _ENVELOPE.items() if type(answer.get(name)) is kind}
        self._known = {**usual, **self._known, **given, "object": self._object}
        return self._known


def has_envelope(answer: Body, kind: str) -> bool:
    """Return whether the answer has what is around the choices, as clients read it."""
    return (
        type(answer.get("id")) is str
        and type(answer.get("created")) is int
        and type(answer.get("model")) is str
        and answer.get("object") == kind
    )


def is_plain_choice(choice: object) -> bool:
    """Return whether the choice of a completion is in its shape, and its message is a text and nothing to edit."""
    return (
        type(choice) is dict
        and type(index := choice.get("index")) is int
        and index >= 0
        and type(reason := choice.get("finish_reason")) is str
        and reason in finish.REASONS
        and type(message := choice.get("message")) is dict
        and type(message.get("content")) is str
        and type(message.get("role")) is str
        and isinstance(message.get("refusal"), str | None)
        and _EDITED.isdisjoint(message)
    )


def is_plain_usage(usage: object) -> bool:
    """Return whether the usage of a completion is in its shape, and has no details."""
    return (
        type(usage) is dict
        and "prompt_tokens" in usage
        and "completion_tokens" in usage
        and "total_tokens" in usage
        and all(type(tokens) is int and 0 <= tokens <= token_report.TOKENS_MAX for tokens in usage.values())
    )


def _usage(usage: object) -> Body | None:
    fitting = token_report.in_shape(usage, "prompt_tokens", "completion_tokens")
    if fitting is None or type(fitting.get("total_tokens")) is int:
        return fitting
    return {**fitting, "total_tokens": fitting["prompt_tokens"] + fitting["completion_tokens"]}


def in_shape(answer: Body, said: str) -> Body:
    """Return a completion or a chunk in its shape, the same object if it is; `said` is "message" or "delta"."""
    given = answer.get("choices")
    if not isinstance(given, list):
        return {**answer, "choices": []}
    kept = [_choice(choice, said) for choice in choices(answer)]
    same = len(kept) == len(given) and all(new is old for new, old in zip(kept, given, strict=True))
    return answer if same else {**answer, "choices": kept}


def _choice(choice: Body, said: str) -> Body:
    given, reason, index = choice.get(said), choice.get("finish_reason"), choice.get("index")
    fields = _fields(given) if isinstance(given, dict) else _completed(choice, said)
    is_index = type(index) is int and index >= 0
    if fields is given and isinstance(reason, str | None) and is_index:
        return choice
    return {
        **choice,
        "index": index if is_index else 0,
        said: fields,
        "finish_reason": reason if isinstance(reason, str) else None,
    }


def _completed(choice: Body, said: str) -> Body:
    """Return the message or delta of a server that completes a text."""
    text = choice.get("text")
    if isinstance(text, str):
        return {"role": "assistant", "content": text} if said == "message" else {"content": text}
    return {}


def _fields(given: Body) -> Body:
    alone = [name for name in _LISTS if isinstance(given.get(name), dict)]
    if alone:
        given = {**given, **{name: [given[name]] for name in alone}}
    calls = given.get("tool_calls")
    if isinstance(calls, list) and any(type(call) is not dict for call in calls):
        given = {**given, "tool_calls": [call for call in calls if type(call) is dict]}
    wrong = {name for name in given.keys() & _FIELDS if not _fits(name, given[name])}
    return {name: value for name, value in given.items() if name not in wrong} if wrong else given


def _fits(name: str, value: Any) -> bool:  # noqa: ANN401 - of a provider
    return value is None or isinstance(value, _FIELDS[name])
