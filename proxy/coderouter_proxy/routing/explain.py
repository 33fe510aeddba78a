"""Explain how a request would be routed now, with the code that routes it; no provider gets anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import choice, gates, order
from coderouter_proxy.routing.choice import Choice
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.order import Asked
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.senders.sender import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One provider of the chain, whether it is tried, and why it is not or not earlier."""

    provider: str
    tried: bool
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`places` are in the order of trying; those that are left out come last."""

    sender: Sender
    choice: Choice
    places: tuple[Place, ...]


def explain(request: ClientRequest, routing: Routing, budgets: Budgets) -> Explanation:
    """Return the profile of the request and the order of its providers, and why; none is in cooldown.

    Raises:
        HttpError: the client would get it instead of an answer.
    """
    sender = Sender.of(request.headers)
    chosen = choice.choose(routing, request, sender)
    asked = Asked(request, chosen.profile, routing, Cooldowns(lambda _: None))
    names, remarks = order.in_order(asked), order.remarks(asked)
    left_out = [name for name in asked.profile.providers if name not in names]
    places = [_place(name, remarks.get(name, []), routing, budgets) for name in names]
    places += [Place(provider=name, tried=False, remarks=tuple(remarks[name])) for name in left_out]
    return Explanation(sender=sender, choice=chosen, places=tuple(places))


def _place(name: str, remarks: list[str], routing: Routing, budgets: Budgets) -> Place:
    client = routing.clients.get(name)
    provider = client.provider if client else None
    skip = gates.skip("", name, provider, budgets, allow_paid=routing.config.allow_paid)
    if skip is not None:
        return Place(provider=name, tried=False, remarks=(f"skipped: {gates.reason(skip)}",))
    return Place(
        provider=name, tried=True, remarks=(*remarks, *(_ways_to_wait(provider) if provider else ()))
    )


def _ways_to_wait(provider: Provider) -> Iterator[str]:
    """Yield what happens at the provider before the next one is tried."""
    if provider.max_in_flight is not None:
        yield f"gets {provider.max_in_flight} at once; others wait up to {provider.queue_s:g} s"
    if (keys := len(provider.key_variables) + len(provider.key_files)) > 1:
        yield f"{keys} keys"
    if provider.retries:
        yield f"tried up to {1 + provider.retries} times if it drops the connection or loads its model"
