"""Mixed traffic: requests that together use most of what the proxy can do."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coderouter_events.closed_sets import Outcome
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.client import Exchange
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Pause, Script, Upstream, stream

BUDGET_USD = 0.01
KEY = {"FLAKY_KEY": "a key of the tests"}
TOOL = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}
TEXTUAL_CALL = '<tool_call>\n{"name": "read", "arguments": {"path": "/a"}}\n</tool_call>'
CACHE_WRITTEN = {**anthropic.USAGE, "cache_creation_input_tokens": 5}


def providers_yaml(upstream: Upstream) -> dict[str, object]:
    def entry(name: str, at: str | None = None, **more: object) -> dict[str, object]:
        return process.provider(name, upstream.provider(at or name).base_url, **more)

    cheap = {"input_per_mtok": 1, "output_per_mtok": 2}
    dear = {"input_per_mtok": 3, "output_per_mtok": 15}
    return {
        "providers": [
            entry("local", output_filters=["strip_thinking"]),
            entry("cloud", cost=cheap),
            entry("claude", kind="anthropic", cost={**dear, "monthly_budget_usd": BUDGET_USD}),
            entry("flaky", api_key_env="FLAKY_KEY"),
            entry("hasty", "flaky", timeout_s=0.2),
            entry("spent", "cloud", cost={**cheap, "monthly_budget_usd": 0.00001}),
            entry("paid", "cloud", paid=True),
        ],
        "profiles": [
            {"name": "default", "providers": ["local", "cloud"]},
            {"name": "claude-first", "providers": ["claude", "local"]},
            {"name": "watched", "providers": ["flaky", "cloud"], "cooldown": {"threshold": 1}},
            {"name": "flaky", "providers": ["flaky"]},
            {"name": "hasty", "providers": ["hasty", "cloud"]},
            {"name": "spent", "providers": ["ghost", "spent", "local"]},
            {"name": "paid-only", "providers": ["paid"]},
        ],
        "auto_router": {
            "rules": [{"id": "agent", "profile": "claude-first", "match": {"has_tools": True}}],
            "default_rule_profile": "default",
        },
    }


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request: what each provider answers, by name, and how it ends for the client."""

    profile: str
    outcome: Outcome
    scripts: Mapping[str, Script] = field(default_factory=dict)
    is_anthropic: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    disconnects_after: bytes | None = None

    def run(self, served: Proxy, upstream: Upstream) -> None:
        for name, script in self.scripts.items():
            upstream.provider(name).plays(script)
        exchange = self._send(served)
        if self.disconnects_after is None:
            exchange.rest()
        else:
            exchange.read_past(self.disconnects_after)
            exchange.disconnect()

    def _send(self, served: Proxy) -> Exchange:
        headers = {"X-CodeRouter-Profile": self.profile}
        if self.raw is not None:
            return served.post(self.raw, headers)
        send = served.messages if self.is_anthropic else served.chat
        return send(headers, **self.body)


STREAM = {"stream": True}
THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
DOWN = says.error("down", 500)

ROUND = (
    Step(profile="default", outcome="ok", scripts={"local": says.answer()}),
    Step(
        profile="default",
        outcome="ok",
        scripts={"local": says.streamed("<think>Hm.</think>Hello", " there")},
        body=STREAM,
    ),
    Step(profile="default", outcome="ok", scripts={"local": DOWN, "cloud": says.answer()}),
    Step(profile="default", outcome="ok", scripts={"local": DOWN, "cloud": says.streamed()}, body=STREAM),
    Step(profile="default", outcome="ok", scripts={"local": says.answer(usage=None)}),
    Step(profile="default", outcome="ok", scripts={"local": says.answer()}, is_anthropic=True, body=THINKS),
    Step(
        profile="claude-first",
        outcome="ok",
        scripts={"claude": anthropic.answer(usage=CACHE_WRITTEN)},
        is_anthropic=True,
    ),
    Step(
        profile="claude-first",
        outcome="ok",
        scripts={"claude": anthropic.streamed()},
        is_anthropic=True,
        body=STREAM,
    ),
    Step(
        profile="claude-first",
        outcome="midstream",
        scripts={
            "claude": stream(
                anthropic.MESSAGE_START,
                anthropic.start(anthropic.text("")),
                anthropic.content("Hello"),
                CUT,
            )
        },
        is_anthropic=True,
        body=STREAM,
    ),
    Step(
        profile="default",
        outcome="client_gone",
        scripts={"local": stream(says.ROLE, says.text("<think>Hm.</think>Hello"), HANG)},
        body=STREAM,
        disconnects_after=b"Hello",
    ),
    Step(
        profile="default", outcome="ok", scripts={"local": says.answer(TEXTUAL_CALL)}, body={"tools": [TOOL]}
    ),
    Step(profile="auto", outcome="ok", scripts={"claude": anthropic.answer()}, body={"tools": [TOOL]}),
    Step(profile="auto", outcome="ok", scripts={"local": says.answer()}),
    Step(
        profile="watched",
        outcome="ok",
        scripts={"flaky": says.error("slow down", 429, {"Retry-After": "60"}), "cloud": says.answer()},
    ),
    Step(profile="flaky", outcome="exhausted", scripts={"flaky": DOWN}),
    Step(profile="flaky", outcome="exhausted", scripts={"flaky": says.error("who are you?", 401)}),
    Step(profile="flaky", outcome="client_error", scripts={"flaky": says.error("what?", 422)}),
    Step(profile="hasty", outcome="ok", scripts={"flaky": (HANG,), "cloud": says.answer()}),
    Step(profile="spent", outcome="ok", scripts={"cloud": says.answer(), "local": says.answer()}),
    Step(profile="paid-only", outcome="blocked"),
    Step(profile="default", outcome="client_error", raw=b"no JSON"),
)


def send_slow_request(served: Proxy, upstream: Upstream, first_token_s: float) -> None:
    """Stream an answer whose first token takes at least this long."""
    pause = Pause()
    upstream.provider("local").plays(
        stream(says.ROLE, pause, says.text("Hello"), says.STOP, says.USAGE_CHUNK, says.DONE)
    )
    exchange = served.chat({"X-CodeRouter-Profile": "default"}, stream=True)
    assert pause.reached.wait(30)
    time.sleep(first_token_s)
    pause.go()
    assert exchange.rest().status == 200
