"""Tools that run at a vendor: the vendor's own API is tried first, and nothing else gets a request that forces one."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from coderouter_events.events import Event
from coderouter_proxy.answer import Answer, AnswerLog, Attempt
from coderouter_proxy.config.schema import Config, Profile
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import HttpError, ProviderError
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.providers.windows import Window
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import fallback, hosted
from coderouter_proxy.routing.attempts import Attempts
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.wires.provider import Drop
from support.proxy.drive_relay import request_of

Body = dict[str, Any]

WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search"}
WEB_FETCH = {"type": "web_fetch_20250910", "name": "web_fetch"}
READ = {"name": "Read", "input_schema": {"type": "object"}}
PROVIDERS: list[Body] = [
    {"name": "local", "base_url": "http://127.0.0.1:1/v1"},
    {"name": "other", "kind": "anthropic", "base_url": "https://api.example.org"},
    {"name": "claude", "kind": "anthropic", "base_url": "https://api.anthropic.com/v1"},
    {"name": "paid claude", "kind": "anthropic", "base_url": "https://api.anthropic.com", "paid": True},
    {"name": "like claude", "base_url": "https://api.anthropic.com/v1"},
    {"name": "echo", "kind": "echo"},
]
ALL = [provider["name"] for provider in PROVIDERS]
PROFILE = Profile(name="default", providers=ALL)


def routing(*, allow_paid: bool = False) -> Routing:
    """Return the routing of real clients, none of which is connected."""
    config = Config.model_validate(
        {
            "providers": [{"model": "m", **provider} for provider in PROVIDERS],
            "profiles": [PROFILE.model_dump()],
            "allow_paid": allow_paid,
        }
    )

    async def made() -> Routing:
        async with Transport() as transport:
            return Routing.of(config, DefaultProfile("default", "config"), "127.0.0.1", [], transport)

    return asyncio.run(made())


def asked(*tools: Body, ingress: str = "anthropic", **more: object) -> ClientRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": list(tools), **more}
    return request_of(ingress, body)


def forcing(name: str) -> Body:
    return {"type": "tool", "name": name}


def test_without_such_a_tool_the_order_stays() -> None:
    assert hosted.in_order(asked(READ), ALL, routing()) == ALL
    assert hosted.in_order(asked(READ, tool_choice=forcing("Read")), ALL, routing()) == ALL


def test_the_vendors_own_api_comes_first() -> None:
    first = hosted.in_order(asked(READ, WEB_SEARCH), ALL, routing())
    assert first == ["claude", "local", "other", "paid claude", "like claude", "echo"]


def test_a_paid_one_comes_first_only_where_it_may_be_tried() -> None:
    first = hosted.in_order(asked(WEB_SEARCH), ALL, routing(allow_paid=True))
    assert first == ["claude", "paid claude", "local", "other", "like claude", "echo"]


@pytest.mark.parametrize("names", [["local", "other"], ["like claude", "echo"], ["paid claude"], ["no such"]])
def test_where_none_has_it_the_order_stays(names: list[str]) -> None:
    assert hosted.in_order(asked(WEB_SEARCH), names, routing()) == names


def test_only_those_that_have_it_are_tried_where_it_is_forced() -> None:
    request = asked(READ, WEB_SEARCH, tool_choice=forcing("web_search"))
    assert hosted.in_order(request, ALL, routing(allow_paid=True)) == ["claude", "paid claude"]


def test_any_tool_is_a_forced_one_where_there_is_no_other() -> None:
    any_tool = {"type": "any"}
    assert hosted.in_order(asked(WEB_SEARCH, tool_choice=any_tool), ["local", "claude"], routing()) == [
        "claude"
    ]
    both = hosted.in_order(asked(WEB_SEARCH, READ, tool_choice=any_tool), ["local", "claude"], routing())
    assert both == ["claude", "local"]


@pytest.mark.parametrize("names", [["local", "other", "echo"], ["like claude"], ["no such"]])
def test_a_forced_one_that_no_provider_has_is_refused_by_its_name(names: list[str]) -> None:
    request = asked(WEB_FETCH, WEB_SEARCH, tool_choice=forcing("web_search"))
    with pytest.raises(HttpError) as caught:
        hosted.in_order(request, names, routing())
    assert (caught.value.status, caught.value.param) == (400, "tool_choice")
    assert "'web_search'" in caught.value.message
    assert "allow_paid" not in caught.value.message


def test_a_forced_one_that_only_a_paid_provider_has_is_refused_with_the_reason() -> None:
    request = asked(WEB_SEARCH, tool_choice=forcing("web_search"))
    with pytest.raises(HttpError, match="paid claude, which is paid while allow_paid is false"):
        hosted.in_order(request, ["local", "paid claude"], routing())


def test_tools_of_other_types_of_openai_clients_change_no_order() -> None:
    request = asked({"type": "web_search_preview"}, ingress="openai", web_search_options={})
    assert hosted.in_order(request, ALL, routing()) == ALL


class Answering:
    """A client that answers at once."""

    secrets: tuple[str, ...] = ()
    traits = ProviderTraits()

    def __init__(self, config: Config, name: str) -> None:
        provider = config.provider(name)
        assert provider is not None
        self.provider = provider

    async def attempt(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None = None,
    ) -> Attempt:
        async def pieces() -> AsyncGenerator[bytes]:
            yield b"{}"

        return Attempt(answer=Answer(pieces=pieces(), log=AnswerLog))

    def written(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        refused: ProviderError | None = None,
    ) -> object:
        return None

    def runs_hosted_tools(self, request: ClientRequest) -> bool:
        return "claude" in self.provider.name

    def may_have(self, request: ClientRequest) -> bool:
        return False

    async def count_tokens(self, request: ClientRequest, profile: Profile) -> int | None:
        return None

    async def context_window(self) -> Window:
        return Window(None)


@pytest.mark.parametrize(
    ("allow_paid", "tried"),
    [(False, [("try-provider", "local")]), (True, [("try-provider", "paid claude")])],
)
def test_the_paid_gate_stays_closed_for_it(allow_paid: bool, tried: list[tuple[str, str]]) -> None:
    emitted: list[Event] = []
    given = routing(allow_paid=allow_paid)
    chain = Profile(name="default", providers=["local", "paid claude"])
    clients = {name: Answering(given.config, name) for name in chain.names}
    runtime = Runtime(
        routing=replace(given, clients=clients),
        emit=emitted.append,
        cooldowns=Cooldowns(emitted.append),
        budgets=Budgets(None),
        ping_s=10,
    )
    asyncio.run(_answered(asked(READ, WEB_SEARCH), chain, runtime))
    assert [(event.msg, getattr(event, "provider", "")) for event in emitted[:1]] == tried
    assert not any(event.msg == "skip-paid-provider" for event in emitted)


async def _answered(request: ClientRequest, profile: Profile, runtime: Runtime) -> None:
    answer = await fallback.answer(request, profile, runtime.routing, runtime, Attempts())
    assert not isinstance(answer.pieces, bytes)
    await answer.pieces.aclose()
