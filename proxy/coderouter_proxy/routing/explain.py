"""Explain how a request would be routed now, with the code that routes it; no provider gets anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import choice, gates, lengths, loops, order
from coderouter_proxy.routing.affinity import Affinity
from coderouter_proxy.routing.choice import Choice
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.lengths import Length
from coderouter_proxy.routing.loads import Loads
from coderouter_proxy.routing.order import Asked
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.routing.worker_memory import WorkerMemory
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

    `stays_minutes` is how long the conversation stays with a provider; None if it does not. `estimate` is the request's
    tokens where a provider of the chain has a known context; `repeats` is how many times in a row the request ends with
    the same tool call, if that is a loop.
    """

    sender: Sender
    stays_minutes: float | None
    choice: Choice
    places: tuple[Place, ...]
    estimate: int | None
    repeats: int


async def explain(
    request: ClientRequest, routing: Routing, budgets: Budgets, contexts: Contexts
) -> Explanation:
    """Return the profile of the request and the order of its providers, and why; none is in cooldown or busy.

    It is as if the request were the first one of its conversation.

    Raises:
        HttpError: the client would get it instead of an answer.
    """
    sender = Sender.of(request.headers)
    chosen = choice.choose(routing, request, sender)
    memory = WorkerMemory()
    asked = Asked(
        request, chosen.profile, routing, Cooldowns(lambda _: None), Loads(memory), Affinity(memory)
    )
    length = await lengths.length_of(request, chosen.profile, routing, contexts)
    names, remarks = order.explained(asked)
    left_out = [name for name in asked.profile.names if name not in names]
    places = [_place(name, remarks.get(name, []), asked, budgets, length) for name in names]
    places += [Place(provider=name, tried=False, remarks=tuple(remarks[name])) for name in left_out]
    return Explanation(
        sender=sender,
        stays_minutes=chosen.profile.affinity.minutes if asked.stay is not None else None,
        choice=chosen,
        places=tuple(places),
        estimate=length.estimate if length else None,
        repeats=loops.repeats(request, chosen.profile),
    )


def _place(name: str, remarks: list[str], asked: Asked, budgets: Budgets, length: Length | None) -> Place:
    routing = asked.routing
    chain = routing.chains.get(asked.profile.name)
    client = routing.clients.get(name)
    provider = client.provider if client else None
    skip = gates.skip("", name, provider, budgets, allow_paid=routing.config.allow_paid, length=length)
    if skip is not None:
        return Place(provider=name, tried=False, remarks=(f"skipped: {gates.reason(skip)}",))
    equals = chain.equals(name) if chain is not None else []
    equal = [f"equal to {', '.join(equals)}: the least busy is first"] if equals else []
    ways = _ways_to_wait(provider) if provider else ()
    return Place(provider=name, tried=True, remarks=(*equal, *remarks, *ways))


def _ways_to_wait(provider: Provider) -> Iterator[str]:
    """Yield what happens at the provider before the next one is tried."""
    if provider.max_in_flight is not None:
        yield f"gets {provider.max_in_flight} at once; others wait up to {provider.queue_s:g} s"
    if (keys := len(provider.key_variables) + len(provider.key_files)) > 1:
        yield f"{keys} keys"
    if provider.retries:
        yield f"tried up to {1 + provider.retries} times if it drops the connection or loads its model"
