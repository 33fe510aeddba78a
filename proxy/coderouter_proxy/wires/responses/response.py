"""The response object: what the request was, and how the answer is or ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from coderouter_proxy import token_estimate
from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.deltas import Stop

EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
SUMMARIES = frozenset({"auto", "concise", "detailed"})
VERBOSITIES = frozenset({"low", "medium", "high"})
TRUNCATIONS = frozenset({"auto", "disabled"})
REFUSED = "The model refused to answer."
TOO_LONG = "The conversation exceeds the context window of the model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a response ended, as its `status` and what explains it."""

    status: str = "completed"
    incomplete: str | None = None
    error: Body | None = None

    @property
    def fields(self) -> Body:
        details = None if self.incomplete is None else {"reason": self.incomplete}
        return {"status": self.status, "error": self.error, "incomplete_details": details}


def ending(stop: Stop) -> Ending:
    match stop.reason:
        case "max_tokens":
            return Ending(status="incomplete", incomplete="max_output_tokens")
        case "content_filter":
            return Ending(status="incomplete", incomplete="content_filter")
        case "model_context_window_exceeded":
            return failed("context_length_exceeded", TOO_LONG)
    return Ending()


def failed(code: str, message: str) -> Ending:
    return Ending(status="failed", error={"code": code, "message": message})


class Response:
    """Writes the object of one response; all that the client sent is encoded once."""

    def __init__(self, response_id: str, body: Body, *, model: str, created_at: int, stored: bool) -> None:
        self.id = response_id
        self._created_at = created_at
        self._model = model
        own = {
            "id": response_id,
            "object": "response",
            "store": stored,
        }
        try:
            known = orjson.dumps({**own, **_echoed(body)})
        except orjson.JSONEncodeError:  # nested more deeply than can be written
            known = orjson.dumps({**own, **_echoed({})})
        self._known = known[:-1]

    def begun(self) -> bytes:
        return self.with_end(self._fields(Ending(status="in_progress"), [], None, completed_at=None))

    def end(self, how: Ending, output: Sequence[Body], usage: Body | None, now: float) -> bytes:
        """Return the fields that say how the response ended, as a JSON object."""
        completed_at = max(int(now), self._created_at) if how.status == "completed" else None
        return self._fields(how, output, usage, completed_at=completed_at)

    def with_end(self, end: bytes) -> bytes:
        """Return the whole object."""
        return self._known + b"," + end[1:]

    def _fields(
        self, how: Ending, output: Sequence[Body], usage: Body | None, *, completed_at: int | None
    ) -> bytes:
        own = {"model": self._model, "created_at": self._created_at, "completed_at": completed_at}
        return orjson.dumps({**own, **how.fields, "output": output, "usage": usage})


def completed(
    response_id: str, model: str, output: Sequence[Body], usage: Body | None, *, created_at: int
) -> Body:
    """Return a complete response to a request of which nothing else is known."""
    response = Response(response_id, {}, model=model, created_at=created_at, stored=False)
    whole: Body = orjson.loads(response.with_end(response.end(Ending(), output, usage, created_at)))
    return whole


def usage_of(usage: Usage, output: Sequence[Body], input_tokens: Callable[[], int]) -> Body:
    """Return the usage with all details; what the provider did not report is estimated, or codex never compacts."""
    cached, written = usage.cache_read_tokens or 0, usage.cache_creation_tokens or 0
    uncached = usage.input_tokens
    if uncached is None:
        uncached = max(0, input_tokens() - cached - written)
    answered = usage.output_tokens
    if answered is None:
        answered = round(sum(map(_chars, output)) / token_estimate.CHARS_PER_TOKEN)
    prompt = uncached + cached + written
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": prompt + answered,
    }


def _chars(item: Body) -> int:
    """Return the length of what the model wrote."""
    parts = [*item.get("content", ()), *item.get("summary", ())]
    written = [part.get("text") or part.get("refusal") or "" for part in parts]
    return sum(map(len, written)) + len(str(item.get("arguments") or item.get("input") or ""))


def _echoed(body: Body) -> Body:
    """Return what the client sent, with defaults; clients reject objects without one of these fields."""
    reasoning, text = _object(body.get("reasoning")), _object(body.get("text"))
    return {
        "background": False,
        "instructions": _typed(body.get("instructions"), str),
        "max_output_tokens": _typed(body.get("max_output_tokens"), int),
        "max_tool_calls": _typed(body.get("max_tool_calls"), int),
        "metadata": _metadata(body.get("metadata")),
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": _typed(body.get("previous_response_id"), str),
        "prompt_cache_key": _typed(body.get("prompt_cache_key"), str),
        "reasoning": {
            "effort": _one_of(reasoning.get("effort"), EFFORTS),
            "summary": _one_of(reasoning.get("summary"), SUMMARIES),
        },
        "safety_identifier": _typed(body.get("safety_identifier"), str),
        "service_tier": "default",
        "temperature": _number(body.get("temperature"), 1.0),
        "text": {
            "format": _format(text.get("format")),
            "verbosity": _one_of(text.get("verbosity"), VERBOSITIES) or "medium",
        },
        "tool_choice": _choice(body.get("tool_choice")),
        "tools": _tools(body.get("tools")),
        "top_logprobs": 0,
        "top_p": _number(body.get("top_p"), 1.0),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": _one_of(body.get("truncation"), TRUNCATIONS) or "disabled",
        "user": _typed(body.get("user"), str),
    }


def _object(value: object) -> Body:
    return value if isinstance(value, dict) else {}


def _typed(value: Any, kind: type) -> Any:  # noqa: ANN401 - of a client
    return value if type(value) is kind else None


def _number(value: object, default: float) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default


def _one_of(value: object, known: frozenset[str]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _metadata(value: object) -> Body:
    return {name: text for name, text in _object(value).items() if isinstance(text, str)}


def _format(given: object) -> Body:
    wanted = _object(given)
    match wanted.get("type"):
        case "json_schema":
            return {"description": None, "strict": None, "name": "answer", "schema": {}, **wanted}
        case "json_object":
            return {"type": "json_object"}
    return {"type": "text"}


def _choice(choice: Any) -> Any:  # noqa: ANN401 - of a client
    if isinstance(choice, dict) and isinstance(choice.get("type"), str):
        return choice
    return choice if json_values.words(choice) in ("none", "required") else "auto"


def _tools(given: object) -> list[Body]:
    tools = [tool for tool in given if isinstance(tool, dict)] if isinstance(given, list) else []
    usual = {"description": None, "parameters": None, "strict": None}
    return [{**usual, **tool} if tool.get("type") == "function" else tool for tool in tools]
