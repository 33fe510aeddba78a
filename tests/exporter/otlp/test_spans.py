"""A request becomes a span with one below it for each try; who answered has what the answer cost."""

import time
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from coderouter_exporter.otlp import genai
from coderouter_exporter.otlp.spans import spans_of
from coderouter_exporter.rows import outbox
from coderouter_exporter.state.reported import CatalogEntry
from support.exporter.engine import EngineRig
from support.exporter.otlp_receiver import attributes
from support.exporter.process import append
from support.exporter.requests import Requests

KNOWN = genai.providers(
    [
        CatalogEntry("ollama", base_url="http://127.0.0.1:11434/v1", model="qwen"),
        CatalogEntry("claude", base_url="https://api.anthropic.com", model="sonnet"),
        CatalogEntry("odd", base_url="http://[::1", model="m"),
    ]
)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ERROR = Status.STATUS_CODE_ERROR


@pytest.fixture
def requests() -> Requests:
    return Requests(round(time.time()) - 3000.0)


def spans(tmp_path: Path, *lines: bytes) -> list[Span]:
    """Return the spans of all requests that end in these lines."""
    append(tmp_path / "events.jsonl", *lines)
    engine = EngineRig(tmp_path / "events.jsonl", state=tmp_path / "state.db", exports=True)
    engine.run_pass()
    rows = engine.read(lambda db: outbox.read(db, 0, 100, 1 << 20))
    engine.kill()
    return [span for row in rows for span in spans_of(row.values, KNOWN)]


def fallback(requests: Requests) -> list[bytes]:
    """Return a streamed request that ollama refuses and claude answers."""
    named = {"request_id": "r1", "stream": True}
    lines = [requests.line("try-provider", provider="ollama", **named)]
    requests.now += 0.5
    failure = {
        "status": 503,
        "retryable": True,
        "error_type": "overloaded",
        "error": "busy",
        "duration_s": 0.5,
    }
    lines += [
        requests.line("provider-failed", provider="ollama", **named, **failure),
        requests.line("skip-paid-provider", request_id="r1", provider="gpt"),
        requests.line("try-provider", provider="claude", **named),
    ]
    requests.now += 0.25
    lines.append(requests.line("provider-ok", provider="claude", **named, duration_s=0.25))
    requests.now += 1.25
    return lines


def finished(requests: Requests, **more: object) -> bytes:
    fields = {
        "stream": True,
        "duration_s": 2.0,
        "ttft_s": 0.75,
        "attempts": 2,
        "provider": "claude",
        "model": "sonnet",
    }
    return requests.finished("r1", ingress="anthropic", **(fields | more))


def seconds(span: Span, begin: float) -> tuple[float, float]:
    return (
        round(span.start_time_unix_nano / 1e9 - begin, 3),
        round(span.end_time_unix_nano / 1e9 - begin, 3),
    )


def test_a_fallback_has_a_span_for_each_try(tmp_path: Path, requests: Requests) -> None:
    begin = requests.now
    request, failed, answered = spans(
        tmp_path,
        *fallback(requests),
        finished(
            requests,
            traceparent=TRACEPARENT,
            session="5e5510",
            requested_model="best",
            cost_usd=0.25,
            input_tokens=10,
            cache_read_tokens=90,
            cache_creation_tokens=None,
            output_tokens=7,
            stop_reason="end_turn",
        ),
    )  # fmt: skip
    assert request.trace_id == failed.trace_id == answered.trace_id
    assert request.trace_id.hex() == TRACEPARENT.split("-")[1]
    assert request.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert failed.parent_span_id == answered.parent_span_id == request.span_id
    assert [span.kind for span in (request, failed, answered)] == [
        Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_CLIENT,
    ]  # fmt: skip
    assert [span.name for span in (request, failed, answered)] == [
        "POST /v1/messages",
        "chat qwen",
        "chat sonnet",
    ]
    assert [seconds(span, begin) for span in (request, failed, answered)] == [(0, 2), (0, 0.5), (0.5, 2)]
    assert [span.status.code for span in (request, failed, answered)] == [0, ERROR, 0]
    assert failed.status.message == "busy"
    own = attributes(request.attributes)
    assert own["gen_ai.request.model"] == "best"
    assert own["gen_ai.conversation.id"] == "5e5510"
    assert own["coderouter.cost_usd"] == 0.25
    assert "error.type" not in own
    assert "gen_ai.usage.input_tokens" not in own
    assert attributes(failed.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "qwen",
        "gen_ai.request.stream": True,
        "coderouter.provider": "ollama",
        "server.address": "127.0.0.1",
        "server.port": 11434,
        "http.response.status_code": 503,
        "error.type": "overloaded",
    }
    assert attributes(answered.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "sonnet",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "sonnet",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 90,
        "coderouter.provider": "claude",
        "server.address": "api.anthropic.com",
        "server.port": 443,
    }
    [skipped] = request.events
    assert skipped.name == "coderouter.skipped"
    assert attributes(skipped.attributes) == {"coderouter.provider": "gpt", "coderouter.reason": "paid"}


@pytest.mark.parametrize(
    ("outcome", "code", "kind"),
    [
        ("ok", 0, None),
        ("client_error", 0, "client_error"),
        ("client_gone", 0, "client_gone"),
        ("exhausted", ERROR, "exhausted"),
        ("blocked", ERROR, "blocked"),
        ("midstream", ERROR, "timeout_idle"),
    ],
)
def test_only_errors_of_the_server_have_the_status_of_an_error(
    tmp_path: Path, requests: Requests, outcome: str, code: int, kind: str | None
) -> None:
    error_type = kind if outcome == "midstream" else None
    [span] = spans(tmp_path, requests.finished("r1", outcome=outcome, attempts=0, error_type=error_type))
    assert span.status.code == code
    assert attributes(span.attributes).get("error.type") == kind


def test_a_request_whose_process_has_ended_is_an_error(tmp_path: Path, requests: Requests) -> None:
    begin = requests.now
    tried = requests.line("try-provider", request_id="r1", provider="ollama", stream=True)
    requests.now += 3
    request, attempt = spans(tmp_path, tried, requests.line("coderouter-shutdown", reason="SIGTERM"))
    assert attributes(request.attributes)["error.type"] == "lost"
    assert attributes(attempt.attributes)["error.type"] == "_OTHER"
    assert [span.status.code for span in (request, attempt)] == [ERROR, ERROR]
    assert seconds(request, begin) == seconds(attempt, begin) == (0, 0)


def test_embeddings_are_an_operation_of_their_own(tmp_path: Path, requests: Requests) -> None:
    request, attempt = spans(tmp_path, requests.answered("r1", ingress="embeddings"))
    assert request.name == "POST /v1/embeddings"
    assert attempt.name == "embeddings m"


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://team.openai.azure.com/openai", "azure.ai.openai"),
        ("https://notapi.openai.com", "mine"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("http://192.168.0.2:8000/v1", "mine"),
        ("not a url", "mine"),
        (None, "mine"),
    ],
)
def test_a_provider_has_the_well_known_name_of_its_host(base_url: str | None, name: str) -> None:
    known = genai.providers([CatalogEntry("mine", base_url=base_url)])
    assert known["mine"].system == name


def test_a_provider_that_is_not_configured_has_its_own_name() -> None:
    assert KNOWN["gone"].attributes["gen_ai.provider.name"] == "gone"
    assert KNOWN["odd"].address is None
