"""Explain how a request would be routed now, with the code that routes it; no provider gets anything."""

from dataclasses import dataclass

from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import choice, gates, lengths, loops, order
from coderouter_proxy.routing.choice import Choice
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.lengths import Length
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
    """`places` are in the order of trying; those that are left out come last.

    `estimate` is the request's tokens where a provider of the chain has a known context; `repeats` is how many times in
    a row the request ends with the same tool call, if that is a loop.
    """

    sender: Sender
    choice: Choice
    places: tuple[Place, ...]
    estimate: int | None
    repeats: int


async def explain(
    request: ClientRequest, routing: Routing, budgets: Budgets, contexts: Contexts
) -> Explanation:
    """Return the profile of the request and the order of its providers, and why; none is in cooldown.

    Raises:
        HttpError: the client would get it instead of an answer.
    """
    sender = Sender.of(request.headers)
    chosen = choice.choose(routing, request, sender)
    asked = Asked(request, chosen.profile, routing, Cooldowns(lambda _: None))
    length = await lengths.length_of(request, chosen.profile, routing, contexts)
    names, remarks = order.in_order(asked), order.remarks(asked)
    left_out = [name for name in asked.profile.providers if name not in names]
    places = [_place(name, remarks.get(name, []), routing, budgets, length) for name in names]
    places += [Place(provider=name, tried=False, remarks=tuple(remarks[name])) for name in left_out]
    return Explanation(
        sender=sender,
        choice=chosen,
        places=tuple(places),
        estimate=length.estimate if length else None,
        repeats=loops.repeats(request, chosen.profile),
    )


def _place(name: str, remarks: list[str], routing: Routing, budgets: Budgets, length: Length | None) -> Place:
    client = routing.clients.get(name)
    provider = client.provider if client else None
    skip = gates.skip("", name, provider, budgets, allow_paid=routing.config.allow_paid, length=length)
    if skip is not None:
        return Place(provider=name, tried=False, remarks=(f"skipped: {gates.reason(skip)}",))
    return Place(provider=name, tried=True, remarks=tuple(remarks))
