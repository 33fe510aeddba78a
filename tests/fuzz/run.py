"""Run cases through the proxy's app, in this process, against a provider on a socket."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import Message

from coderouter_events.events import Event, ProviderFailed, ProviderOk, RequestFinished, TryProvider
from coderouter_proxy.config import load
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.wires.clients import CLIENT_WIRES
from fuzz import well_formed
from fuzz.case import PROVIDERS, Case
from fuzz.upstream import Upstream
from support.held_loop import held_loop

AT_ONCE = 16
TIMEOUT_S = 1
HELD_S_MAX = 0.1
HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
KINDS = {"openai": "openai_compat", "anthropic": "anthropic", "responses": "openai_responses"}
FILTERS = "output_filters: [strip_thinking, strip_stop_markers]"


@dataclass
class Result:
    """How the cases ended, by count, and what was wrong, by the case's name."""

    ends: Counter[str] = field(default_factory=Counter)
    tries: int = 0
    wrong: list[str] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    """What clients got in the cases that went wrong, by their names."""
    held_s: float = 0.0
    """The longest time, in CPU, that one call kept the event loop."""


async def run(cases: Iterable[Case]) -> Result:
    result = Result()
    upstream = Upstream()
    events: dict[str, list[Event]] = {}

    def emit(event: Event) -> None:
        if (request_id := getattr(event, "request_id", None)) is not None:
            events.setdefault(request_id, []).append(event)

    async with await upstream.start(), Transport() as transport:
        config = load.parse(_providers_yaml(upstream.port), "providers.yaml")
        default = DefaultProfile(config.default_profile, "config")
        runtime = Runtime(
            routing=Routing.of(config, default, "127.0.0.1", [], transport),
            emit=emit,
            cooldowns=Cooldowns(emit),
            budgets=Budgets(None),
            ping_s=15,
        )
        waiting = iter(cases)

        async def work() -> None:
            for case in waiting:
                upstream.cases[case.name] = case.played
                answered = await _answered(runtime, case)
                del upstream.cases[case.name]
                emitted = events.pop(answered.request_id, [])
                try:
                    end = answered.checked(case)
                    result.tries += _checked_tries(emitted)
                except Exception as error:  # noqa: BLE001 - whatever a check stumbles over is a finding
                    result.wrong.append(
                        f"{case.name}, {case.client} client, {case.provider}: {type(error).__name__}: {error}"
                    )
                    result.answers[case.name] = bytes(answered.body)
                    end = "wrong"
                result.ends[f"{case.client} client, {case.provider}: {end}"] += 1

        with _watched(result):
            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return result


@dataclass
class _Answer:
    status: int = 0
    request_id: str = ""
    content_type: bytes = b""
    body: bytearray = field(default_factory=bytearray)

    def checked(self, case: Case) -> str:
        """Return how the answer ended.

        Raises:
            AssertionError: it is not well-formed.
        """
        raw = bytes(self.body)
        if self.status == 200:
            is_stream = self.content_type.startswith(b"text/event-stream")
            assert case.stream in (None, is_stream), "a stream, or none"
            return well_formed.CHECKS[case.client, is_stream](raw)
        assert 400 <= self.status <= 599, f"status {self.status}"
        assert self.status != 500, "500"
        return well_formed.error_body(raw)


async def _answered(runtime: Runtime, case: Case) -> _Answer:
    answer = _Answer()
    bodies = iter([case.body])

    async def receive() -> Message:
        if (body := next(bodies, None)) is not None:
            return {"type": "http.request", "body": body}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            headers = dict(message["headers"])
            answer.request_id = headers[b"x-request-id"].decode()
            answer.content_type = headers[b"content-type"]
        answer.body += message.get("body", b"")

    await Ingress(runtime, CLIENT_WIRES[case.client])({"headers": HEADERS}, receive, send)  # type: ignore[index]
    return answer


def _checked_tries(events: list[Event]) -> int:
    """Return how many tries there were, each of which has one outcome."""
    kinds = Counter(map(type, events))
    assert kinds[RequestFinished] == 1, f"finished {kinds[RequestFinished]} times"
    outcomes = kinds[ProviderOk] + kinds[ProviderFailed]
    assert kinds[TryProvider] == outcomes, f"{kinds[TryProvider]} tries, {outcomes} outcomes"
    return outcomes


class _Tracebacks(logging.Handler):
    """Finds tracebacks in the log."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self._result = result

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            self._result.wrong.append(f"in the log: {self.format(record)}")


@contextmanager
def _watched(result: Result) -> Iterator[None]:
    """Find tracebacks in the log, and calls that keep the loop for too long."""
    handler = _Tracebacks(result)
    logging.getLogger().addHandler(handler)
    with held_loop(HELD_S_MAX) as held:
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            result.held_s = max(result.held_s, held.longest_s)
            result.wrong += held.too_long


def _providers_yaml(port: int) -> str:
    lines = ["default_profile: plain", "providers:"]
    for name, wire in PROVIDERS.items():
        filters = f", {FILTERS}" if "filtered" in name else ""
        lines.append(
            f"  - {{name: {name}, kind: {KINDS[wire]}, model: m, timeout_s: {TIMEOUT_S}, "
            f"base_url: 'http://127.0.0.1:{port}/v1'{filters}}}"
        )
    lines += ["profiles:", *(f"  - {{name: {name}, providers: [{name}]}}" for name in PROVIDERS)]
    return "\n".join(lines)
