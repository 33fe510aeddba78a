"""The profile of a request: what is named most directly decides, and what can be named is what is listed."""

import asyncio
from typing import Any

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.errors import HttpError
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import choice
from coderouter_proxy.routing.choice import Choice
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.senders.sender import Sender

CONFIG = """\
default_profile: a
allow_paid: false
mode_aliases: {fast: b, any: auto}
model_map: {"claude-haiku*": b, "gpt-?-mini": c, "auto-*": auto, "[xy]": a}
auto_router:
  default_rule_profile: c
  rules: [{id: subagents, profile: b, match: {request_class: subagent}}]
providers:
  - {name: p, kind: echo}
  - {name: b, kind: echo}
  - {name: dear, kind: echo, paid: true}
profiles:
  - {name: a, providers: [p]}
  - {name: b, providers: [p, dear]}
  - {name: c, providers: [p]}
  - {name: my-claude, providers: [p]}
  - {name: größer, providers: [p]}
"""
PROFILE = b"x-coderouter-profile"
MODE = b"x-coderouter-mode"


def routing_of(text: str, default: str) -> Routing:
    async def made() -> Routing:
        async with Transport() as transport:
            config = load.parse(text, "f")
            return Routing.of(config, DefaultProfile(default, "config"), "127.0.0.1", [], transport)

    return asyncio.run(made())


ROUTING = routing_of(CONFIG, "a")


def chosen(
    body: dict[str, Any],
    headers: dict[bytes, bytes] | None = None,
    routing: Routing = ROUTING,
    sender: Sender | None = None,
) -> Choice:
    whole = {"messages": [{"role": "user", "content": "Hi"}], **body}
    request = ClientRequest(
        request_id="r", ingress="openai", body=whole, raw=b"", headers=headers or {}, stream=False
    )
    return choice.choose(routing, request, sender or Sender())


@pytest.mark.parametrize(
    ("body", "headers", "profile", "way"),
    [
        ({"profile": "a", "model": "c"}, {MODE: b"fast", PROFILE: b"c"}, "a", 0),
        ({"model": "c"}, {MODE: b"fast", PROFILE: b"c"}, "c", 1),
        ({}, {PROFILE: "größer".encode()}, "größer", 1),
        ({}, {PROFILE: "größer".encode("latin-1")}, "größer", 1),
        ({"profile": None, "model": "c"}, {MODE: b"fast"}, "b", 2),
        ({"model": "c"}, {}, "c", 3),
        ({"model": "claude-c"}, {}, "c", 3),
        ({"model": "p"}, {}, "p", 3),
        ({"model": "claude-haiku-4-5"}, {}, "b", 4),
        ({"model": "gpt-5-mini"}, {}, "c", 4),
        ({"model": "x"}, {}, "a", 4),
        ({"model": "gpt-55-mini"}, {}, "a", 5),
        ({"model": "Claude-haiku-4-5"}, {}, "a", 5),
        ({"model": "any"}, {}, "a", 5),
        ({"model": 5}, {}, "a", 5),
        ({}, {}, "a", 5),
    ],
)
def test_the_first_way_that_says_something_decides(
    body: dict[str, Any], headers: dict[bytes, bytes], profile: str, way: int
) -> None:
    found = chosen(body, headers)
    assert (found.profile.name, found.way) == (profile, choice.WAYS[way])


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"profile": "auto"}, {}), ({}, {MODE: b"any"}), ({"model": "auto-1"}, {}), ({}, {PROFILE: b"auto"})],
)
def test_each_way_may_choose_the_auto_router(body: dict[str, Any], headers: dict[bytes, bytes]) -> None:
    for sender, profile, rule in (
        (Sender(), "c", None),
        (Sender("claude-code", "subagent"), "b", "subagents"),
    ):
        found = chosen(body, headers, sender=sender)
        assert found.resolved is not None
        assert (found.profile.name, found.resolved.rule_id) == (profile, rule)


def test_the_auto_router_is_weaker_than_names_and_the_model_map() -> None:
    automatic = routing_of(CONFIG, "auto")
    sender = Sender("claude-code", "subagent")
    assert chosen({"model": "any"}, {}, automatic, sender).profile.name == "b"
    assert chosen({"model": "gpt-5-mini"}, {}, automatic, sender).profile.name == "c"
    assert chosen({"model": "a"}, {}, automatic, sender).profile.name == "a"


def test_a_provider_that_is_named_is_a_chain_of_its_own_unless_a_profile_has_its_name() -> None:
    assert chosen({"model": "p"}).profile.names == ["p"]
    assert chosen({"model": "b"}).profile.names == ["p", "dear"]


def test_what_is_listed_is_what_can_be_named() -> None:
    models = ROUTING.models
    assert models.names() == ["a", "b", "c", "my-claude", "größer", "p", "dear"]
    aliases = ["claude-a", "claude-b", "claude-c", "claude-größer"]
    assert models.names(aliases=True) == [*models.names(), *aliases]
    for name in models.names(aliases=True):
        assert chosen({"model": name}).way is choice.WAYS[3]
    assert chosen({"model": "claude-my-claude"}).profile.name == "a"


def test_a_name_of_many_megabytes_is_matched_at_once() -> None:
    text = CONFIG.replace("model_map: {", 'model_map: {"*a*a*a*a*a*a*b": b, "*": c, ')
    assert chosen({"model": "a" * 10_000_000}, {}, routing_of(text, "a")).profile.name == "c"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"profile": "none"}, {}),
        ({"profile": 5}, {}),
        ({"profile": ""}, {}),
        ({"profile": "p"}, {}),
        ({}, {PROFILE: b"\xff"}),
        ({}, {PROFILE: b"fast"}),
        ({}, {MODE: b"b"}),
    ],
)
def test_an_unknown_profile_or_mode_is_rejected(body: dict[str, Any], headers: dict[bytes, bytes]) -> None:
    with pytest.raises(HttpError) as caught:
        chosen(body, headers)
    assert caught.value.status == 400


def test_the_profile_chosen_by_the_auto_router_has_to_be_configured() -> None:
    text = CONFIG[: CONFIG.index("model_map")] + CONFIG[CONFIG.index("providers:") :]
    routing = routing_of(text, "a")
    with pytest.raises(HttpError, match="there is no profile 'writing' for the auto router"):
        chosen({"profile": "auto"}, {}, routing)
