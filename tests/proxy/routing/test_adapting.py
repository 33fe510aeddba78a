"""A refusal that says what is wrong is answered by adapted requests, and what helped is remembered."""

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from starlette.types import Message

from coderouter_events.events import CapabilityDegraded, Event, ProviderAdapted, RequestFinished
from coderouter_proxy.config import kinds, load
from coderouter_proxy.config.kinds import ProviderKind
from coderouter_proxy.config.schema import Profile
from coderouter_proxy.config.schema import Provider as Configured
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import Drop
from support.proxy import openai_answers as says
from support.proxy.in_process import HEADERS, Answered
from support.proxy.upstream import Provider, Script

Kind = TypeVar("Kind", bound=Event)

HELLO = [{"role": "user", "content": "hello there"}]
SEEN = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}]}
]

REFUSED_STORE = says.error("body.store: Extra inputs are not permitted", 422)
REFUSED_USER = says.error("Unknown parameter: 'user'.", 400)
REFUSED_LIMIT = says.error(
    "max_tokens is too large: 32000. This model supports at most 16384 completion tokens", 400
)
REFUSED_NAME = says.error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", 400)
BLIND = says.error("this model does not support image input", 400)


class Fitting(OpenAIProvider):
    """Applies a few traits, whatever the wire itself does."""

    def request(
        self,
        request: ClientRequest,
        provider: Configured,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
    ) -> Body:
        body = super().request(request, provider, profile, traits, drop)
        for name in set(traits.refused_fields) & set(body):
            body.pop(name)
            drop(name)
        if "max_tokens" in body and traits.max_output_tokens is not None:
            body["max_tokens"] = min(body["max_tokens"], traits.max_output_tokens)
        if "max_tokens" in body and traits.max_tokens_field != "max_tokens":
            body[traits.max_tokens_field] = body.pop("max_tokens")
        if not traits.images and "image_url" in json.dumps(body["messages"]):
            body["messages"] = [{"role": "user", "content": "[An image was here.]"}]
            drop("image")
        return body


def fitting(
    provider: Configured, policy: AnswerPolicy, traits: ProviderTraits, transport: Transport
) -> HttpProvider:
    return HttpProvider(provider, Fitting(), partial(choose, policy=policy), traits, transport)


@dataclass
class Rig:
    """A proxy within the test; all requests of one `run` share what it learns."""

    config: str
    events: list[Event] = field(default_factory=list)

    async def ask(self, runtime: Runtime, body: Body) -> Answered:
        answered = Answered()
        raw = json.dumps({"model": "any", "messages": HELLO, **body}).encode()

        async def receive() -> Message:
            return {"type": "http.request", "body": raw}

        async def send(message: Message) -> None:
            answered.status = message.get("status", answered.status)
            answered.body += message.get("body", b"")

        headers = [*HEADERS, (b"x-session-id", uuid4().hex.encode())]  # or it would stay with a provider
        await Ingress(runtime, CLIENT_WIRES["openai"])({"headers": headers}, receive, send)
        return answered

    def run(self, *bodies: Body, together: bool = False, reload: bool = False) -> list[Answered]:
        async def requests() -> list[Answered]:
            async with Transport() as transport:
                runtime = self._runtime(transport)
                if together:
                    return list(await asyncio.gather(*(self.ask(runtime, body) for body in bodies)))
                answers = []
                for body in bodies:
                    answers.append(await self.ask(runtime, body))
                    if reload:
                        runtime.routing = self._routing(transport)
                return answers

        return asyncio.run(requests())

    def names(self) -> list[str]:
        return [event.msg for event in self.events]

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if type(event) is kind]

    def _runtime(self, transport: Transport) -> Runtime:
        emit = self.events.append
        return Runtime(
            routing=self._routing(transport),
            emit=emit,
            cooldowns=Cooldowns(emit),
            budgets=Budgets(None),
            ping_s=15,
        )

    def _routing(self, transport: Transport) -> Routing:
        config = load.parse(self.config, "providers.yaml")
        default = DefaultProfile(config.default_profile, "config")
        return Routing.of(config, default, "127.0.0.1", [], transport)


@pytest.fixture
def rig(a: Provider, b: Provider, monkeypatch: pytest.MonkeyPatch) -> Rig:
    row = ProviderKind(name="fitting", client=f"{__name__}:fitting", about="fits", needs_address=True)
    monkeypatch.setitem(kinds.PROVIDER_KINDS, "fitting", row)
    a.plays()
    b.plays()
    return Rig(
        f"""\
allow_paid: true
default_profile: chain
providers:
  - {{name: a, kind: fitting, base_url: {a.base_url}, model: a-model, paid: true}}
  - {{name: b, kind: fitting, base_url: {b.base_url}, model: b-model}}
profiles:
  - {{name: chain, providers: [a, b]}}
  - {{name: alone, providers: [a]}}
  - {{name: careful, providers: [a, b], cooldown: {{threshold: 1}}}}
"""
    )


def adapted(rig: Rig) -> list[tuple[str, str, str, str]]:
    return [(each.provider, each.trait, each.value, each.reason) for each in rig.of(ProviderAdapted)]


def test_the_same_provider_answers_the_adapted_request(rig: Rig, a: Provider, b: Provider) -> None:
    a.plays(REFUSED_STORE, says.answer())

    [answered] = rig.run({"store": True})

    assert answered.status == 200
    assert ["store" in each.json for each in a.requests] == [True, False]
    assert b.requests == []
    assert rig.names() == [
        "try-provider",
        "provider-failed",
        "try-provider",
        "capability-degraded",
        "provider-ok",
        "provider-adapted",
        "request-finished",
    ]
    assert adapted(rig) == [("a", "refused_fields", "store", "refused-field")]
    [degraded] = rig.of(CapabilityDegraded)
    assert (degraded.dropped, degraded.reason) == (["store"], "provider-does-not-support")
    [finished] = rig.of(RequestFinished)
    assert (finished.outcome, finished.provider, finished.attempts) == ("ok", "a", 2)


def test_a_stream_is_adapted_too(rig: Rig, a: Provider) -> None:
    a.plays(REFUSED_NAME, says.streamed())
    [answered] = rig.run({"stream": True, "max_tokens": 9})
    assert b"Hello" in answered.body
    assert a.request.json["max_completion_tokens"] == 9
    assert adapted(rig) == [("a", "max_tokens_field", "max_completion_tokens", "max-completion-tokens")]


def test_the_next_request_starts_adapted(rig: Rig, a: Provider) -> None:
    a.plays(REFUSED_STORE, always=says.answer())
    rig.run({"store": True}, {"store": True})
    assert ["store" in each.json for each in a.requests] == [True, False, False]
    assert rig.names().count("provider-failed") == 1
    assert len(adapted(rig)) == 1


def test_a_reload_forgets(rig: Rig, a: Provider) -> None:
    a.plays(REFUSED_STORE, says.answer(), REFUSED_STORE, says.answer())
    rig.run({"store": True}, {"store": True}, reload=True)
    assert ["store" in each.json for each in a.requests] == [True, False, True, False]
    assert len(adapted(rig)) == 2


def test_several_complaints_are_answered_one_by_one(rig: Rig, a: Provider) -> None:
    a.plays(REFUSED_STORE, REFUSED_USER, REFUSED_LIMIT, says.answer())
    [answered] = rig.run({"store": True, "user": "me", "max_tokens": 32000})
    assert answered.status == 200
    sent = a.requests[-1].json
    assert ("store" in sent, "user" in sent, sent["max_tokens"]) == (False, False, 16384)
    assert [each[1:3] for each in adapted(rig)] == [
        ("refused_fields", "store"),
        ("refused_fields", "user"),
        ("max_output_tokens", "16384"),
    ]


def test_a_provider_is_adapted_to_three_times_at_most(rig: Rig, a: Provider, b: Provider) -> None:
    a.plays(REFUSED_STORE, REFUSED_USER, REFUSED_LIMIT, REFUSED_NAME, says.answer())
    b.plays(says.answer())
    rig.run({"store": True, "user": "me", "max_tokens": 32000})
    assert (len(a.requests), len(b.requests)) == (4, 1)
    assert adapted(rig) == []


def test_what_did_not_help_is_not_remembered(rig: Rig, a: Provider, b: Provider) -> None:
    a.plays(REFUSED_STORE, says.error("broken", 500), always=says.answer())
    b.plays(always=says.answer())
    rig.run({"store": True}, {"store": True})
    assert ["store" in each.json for each in a.requests] == [True, False, True]
    assert adapted(rig) == []


def test_a_change_that_the_provider_answers_with_the_same_words_is_taken_back(rig: Rig, a: Provider) -> None:
    words = (
        "max_tokens is too large: 9. This model supports at most 5; body.user: Extra inputs are not permitted"
    )
    only = says.error(words, 400)
    a.plays(only, only, says.answer())
    rig.run({"user": "me", "max_tokens": 9})
    assert [(each.json["max_tokens"], "user" in each.json) for each in a.requests] == [
        (9, True),
        (5, True),
        (9, False),
    ]
    assert adapted(rig) == [("a", "refused_fields", "user", "refused-field")]


def test_a_request_that_would_stay_as_it_is_is_not_sent_again(rig: Rig, a: Provider, b: Provider) -> None:
    a.plays(REFUSED_STORE)
    b.plays(says.answer())
    rig.run({})
    assert (len(a.requests), len(b.requests)) == (1, 1)


def test_two_requests_at_once_learn_once(rig: Rig, a: Provider) -> None:
    def answer(request: Any) -> Script:
        return REFUSED_STORE if "store" in request.json else says.answer()

    a.plays(always=answer)
    answers = rig.run({"store": True}, {"store": True}, together=True)
    assert [each.status for each in answers] == [200, 200]
    assert len(a.requests) == 4
    assert len(adapted(rig)) == 1


def test_a_refusal_of_the_request_never_counts_for_the_cooldown(rig: Rig, a: Provider) -> None:
    a.plays(REFUSED_STORE, says.answer())
    rig.run({"store": True, "profile": "careful"})
    assert "provider-cooldown" not in rig.names()


def test_the_client_gets_the_last_words_of_an_adapted_provider(rig: Rig, a: Provider) -> None:
    a.plays(REFUSED_STORE, says.error("the schema is bad", 400))
    [answered] = rig.run({"store": True, "profile": "alone"})
    assert (answered.status, answered.json["error"]["message"]) == (400, "the schema is bad")


def test_another_provider_sees_an_image_before_one_gets_a_text_for_it(
    rig: Rig, a: Provider, b: Provider
) -> None:
    a.plays(BLIND)
    b.plays(says.answer())
    rig.run({"messages": SEEN})
    assert (len(a.requests), len(b.requests)) == (1, 1)
    assert adapted(rig) == []


def test_a_text_stands_for_an_image_when_no_provider_is_left(rig: Rig, a: Provider, b: Provider) -> None:
    a.plays(BLIND, says.answer())
    b.plays(says.error("broken", 500))
    [answered] = rig.run({"messages": SEEN})
    assert answered.status == 200
    assert "An image was here" in a.request.body.decode()
    assert "image_url" not in a.request.body.decode()
    assert adapted(rig) == [("a", "images", "false", "no-images")]
    [degraded] = rig.of(CapabilityDegraded)
    assert (degraded.dropped, degraded.reason) == (["image"], "provider-does-not-support")


def test_a_provider_known_to_be_blind_is_tried_last_for_images_only(
    rig: Rig, a: Provider, b: Provider
) -> None:
    a.plays(BLIND, always=says.answer())
    b.plays(says.error("broken", 500), always=says.answer())
    rig.run({"messages": SEEN}, {"messages": SEEN}, {})
    assert [event.provider for event in rig.of(RequestFinished)] == ["a", "b", "a"]


def test_room_for_the_answer_is_found_but_not_remembered(rig: Rig, a: Provider) -> None:
    words = (
        "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 "
        "tokens and your request has 17459 input tokens"
    )
    a.plays(says.error(words, 400), always=says.answer())
    rig.run({"max_tokens": 32000}, {"max_tokens": 32000})
    assert [each.json["max_tokens"] for each in a.requests] == [32000, 15309, 32000]
    assert adapted(rig) == [("a", "max_output_tokens", "15309", "no-room-for-answer")]
