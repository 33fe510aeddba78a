"""In which order the providers of a profile are tried: a table of reasons to try one of them later, or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from coderouter_proxy.config.schema import Profile
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities, hosted, media, referred
from coderouter_proxy.routing.capabilities import Sort
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.router import Routing


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what its order depends on."""

    request: ClientRequest
    profile: Profile
    routing: Routing
    cooldowns: Cooldowns


@dataclass(frozen=True, slots=True)
class Step:
    """`reason` is why a provider moves behind others, or is left out, when `sort` puts the names in order."""

    reason: str
    sort: Callable[[Asked, list[str]], list[str]]


def in_order(asked: Asked) -> list[str]:
    """Return the names of the providers in the order in which they are tried.

    Raises:
        HttpError: the request forces a tool that runs at a vendor, and no provider of the chain has it.
        NotKept: it refers to an answer that no provider of the chain may have.
    """
    names = asked.profile.names
    for step in STEPS:
        names = step.sort(asked, names)
    return names


def remarks(asked: Asked) -> dict[str, list[str]]:
    """Return by provider why it is not tried, or not earlier; raises as `in_order` does."""
    names, found = asked.profile.names, dict[str, list[str]]()
    for step in STEPS:
        before, names = names, step.sort(asked, names)
        for name in _later(before, names):
            found.setdefault(name, []).append(f"later: {step.reason}")
        for name in before:
            if name not in names:
                found.setdefault(name, []).append(f"left out: {step.reason}")
    return found


def described(asked: Asked) -> str:
    """Return the chain in words for the log: each provider, and why it is not tried, or not earlier."""
    found = remarks(asked)
    names = in_order(asked)
    left_out = [name for name in asked.profile.names if name not in names]
    return ", ".join(
        f"{name} ({'; '.join(found[name])})" if name in found else name for name in names + left_out
    )


def _later(before: list[str], after: list[str]) -> Iterator[str]:
    """Yield the names that others have overtaken."""
    for position, name in enumerate(after):
        if any(before.index(other) > before.index(name) for other in after[:position]):
            yield name


def _by_need(sort: Sort) -> Callable[[Asked, list[str]], list[str]]:
    return lambda asked, names: sort(asked.request.outline, names, asked.routing.capabilities)


def _by_cooldown(asked: Asked, names: list[str]) -> list[str]:
    return asked.cooldowns.in_order(names) if asked.profile.cooldown else names


STEPS = (
    *(Step(reason, _by_need(sort)) for reason, sort in capabilities.NEEDS),
    Step(
        "it does not have the tools of the request that run at a vendor",
        lambda asked, names: hosted.in_order(asked.request, names, asked.routing),
    ),
    Step(
        "it cannot have the earlier answer that the request refers to",
        lambda asked, names: referred.in_order(asked.request, names, asked.routing),
    ),
    Step("it is in cooldown", _by_cooldown),
    Step(
        "it does not take images or documents",
        lambda asked, names: media.in_order(asked.request.outline, names, asked.routing.clients),
    ),
)
"""Applied one after the other; a later one matters more."""
