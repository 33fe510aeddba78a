"""Traces rebuilt from the rows of requests: a span for each request, and below it one for each try."""

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.otlp import genai
from coderouter_exporter.otlp.genai import Providers
from coderouter_exporter.otlp.ids import Ids, ids
from coderouter_exporter.otlp.values import Value, attributes, text, unix_ns
from coderouter_exporter.rows import story
from coderouter_exporter.rows.story import Step
from coderouter_exporter.rows.tables import LOST

FAILED = ("exhausted", "blocked", "midstream", LOST)
"""The outcomes that are errors of a server; the client's own are not."""
_OF_TRIES = ("try", "ok", "failed", "midstream", "finished")
"""Steps that spans are made of; all others are events of the request's span."""

Attributes = dict[str, Value | None]


def spans_of(values: dict[str, Any], known: Providers) -> Iterator[Span]:
    """Yield the span of the request, then those of its tries."""
    request = _Request(values, known)
    yield request.span()
    yield from request.try_spans()


class _Request:
    def __init__(self, values: dict[str, Any], known: Providers) -> None:
        self._values = values
        self._known = known
        self._ids: Ids = ids(values["request_id"], values["writer"], values["traceparent"])
        self._steps: Sequence[Step] = story.decode(values["steps"])
        self._story_start = story.start_of(self._steps)
        self._start: float = values["start"]
        last = max((self._offset_s(step) for step in self._steps), default=0.0)
        self._end: float = max(self._start, values["ended"] or self._start + last)
        self._failed: bool = values["outcome"] in FAILED

    def span(self) -> Span:
        values = self._values
        route = genai.route(values["ingress"])
        own: Attributes = {
            "http.request.method": "POST",
            "http.route": route,
            "http.response.status_code": values["status"],
            "error.type": self._error_type(),
            "gen_ai.request.model": values["requested_model"],
            "gen_ai.conversation.id": values["session"],
            "coderouter.request_id": values["request_id"],
            "coderouter.outcome": values["outcome"],
            "coderouter.ingress": values["ingress"],
            "coderouter.profile": values["profile"],
            "coderouter.provider": values["provider"],
            "coderouter.attempts": values["attempts"],
            "coderouter.agent": values["agent"],
            "coderouter.request_class": values["request_class"],
            "coderouter.waited_s": values["waited_s"],
            "coderouter.time_to_first_token_s": values["ttft_s"],
            "coderouter.cost_usd": None if values["micro_usd"] is None else values["micro_usd"] / MICRO,
        }
        return Span(
            trace_id=self._ids.trace_id,
            span_id=self._ids.span_id,
            parent_span_id=self._ids.parent_id,
            flags=self._ids.remote_flags,
            name=f"POST {route}" if route else "POST",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=unix_ns(self._start),
            end_time_unix_nano=unix_ns(self._end),
            attributes=attributes(own),
            events=[self._event(step) for step in self._steps if step.what not in _OF_TRIES],
            status=_status(values["error"] or values["outcome"] if self._failed else None),
        )

    def try_spans(self) -> Iterator[Span]:
        tries = story.tries_of(self._steps, self._story_start)
        made = [one for one in tries if one["result"] != "skipped"]
        answering = next((one for one in reversed(made) if self._answers(one)), None)
        for number, one in enumerate(made):
            yield self._try_span(number, one, answers=one is answering)

    def _answers(self, one: dict[str, Any]) -> bool:
        return one["result"] in ("ok", "midstream") and one["provider"] == self._values["provider"]

    def _try_span(self, number: int, one: dict[str, Any], *, answers: bool) -> Span:
        provider = self._known[one["provider"] or ""]
        model = self._values["model"] if answers else provider.model
        operation = genai.operation(self._values["ingress"])
        start = min(self._start + one["at_s"], self._end)
        failed = one["result"] in ("failed", "midstream") or (one["result"] is None and self._failed)
        own: Attributes = {
            "gen_ai.operation.name": operation,
            **provider.attributes,
            "gen_ai.request.model": model,
            "gen_ai.request.stream": True if self._values["stream"] else None,
            "http.response.status_code": one["status"],
            "error.type": _error_type(one["error_type"], one["status"]) if failed else None,
            **(self._answer(one) if answers else {}),
        }
        return Span(
            trace_id=self._ids.trace_id,
            span_id=self._ids.of_try(number),
            parent_span_id=self._ids.span_id,
            flags=self._ids.flags,
            name=text(f"{operation} {model}" if model else operation),
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=unix_ns(start),
            end_time_unix_nano=unix_ns(self._try_end(start, one)),
            attributes=attributes(own),
            status=_status((one["error"] or "not ended") if failed else None),
        )

    def _try_end(self, start: float, one: dict[str, Any]) -> float:
        """Return when the try ended. A stream that was begun is read until the request ends."""
        duration_s = one["duration_s"]
        if duration_s is None or (one["result"] == "ok" and self._values["stream"]):
            return self._end
        return min(start + float(duration_s), self._end)

    def _answer(self, one: dict[str, Any]) -> Attributes:
        values = self._values
        read, written = values["cache_read_tokens"], values["cache_creation_tokens"]
        inputs = values["input_tokens"]
        is_stream = values["stream"] and one["result"] == "ok"
        return {
            "gen_ai.response.model": values["model"],
            "gen_ai.response.finish_reasons": [values["stop_reason"]] if values["stop_reason"] else None,
            "gen_ai.response.time_to_first_chunk": one["duration_s"] if is_stream else None,
            # The conventions count cached tokens as input, too.
            "gen_ai.usage.input_tokens": None if inputs is None else inputs + (read or 0) + (written or 0),
            "gen_ai.usage.output_tokens": values["output_tokens"],
            "gen_ai.usage.cache_read.input_tokens": read,
            "gen_ai.usage.cache_write.input_tokens": written,
            "coderouter.tool_calls": values["tool_calls"],
            "coderouter.key_index": values["key_index"],
        }

    def _event(self, step: Step) -> Span.Event:
        own: Attributes = {"coderouter.provider": step.provider}
        for name, value in (step.details or {}).items():
            if isinstance(value, list):
                own[f"coderouter.{name}"] = [str(entry) for entry in value]
            elif isinstance(value, (str, bool, int, float)):
                own[f"coderouter.{name}"] = value
        at = min(self._start + self._offset_s(step), self._end)
        return Span.Event(
            name=f"coderouter.{step.what}", time_unix_nano=unix_ns(at), attributes=attributes(own)
        )

    def _offset_s(self, step: Step) -> float:
        return story.offset_s(step.ts, self._story_start)

    def _error_type(self) -> str | None:
        outcome: str = self._values["outcome"]
        if outcome == "ok":
            return None
        return (self._values["error_type"] if self._failed else None) or outcome


def _error_type(kind: str | None, status: int | None) -> str:
    return kind or (str(status) if status and status >= 400 else "_OTHER")


def _status(message: str | None) -> Status | None:
    return None if message is None else Status(code=Status.STATUS_CODE_ERROR, message=text(message))
