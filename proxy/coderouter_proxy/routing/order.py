"""In which order the providers of a profile are tried: a table of reasons to try one of them later, or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities, hosted, media, referred
from coderouter_proxy.routing.capabilities import Sort
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.wires.clients import PASSED_ON


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
        HttpError: the request forces a tool that runs at a vendor, and no provider of the chain has it, or none serves
            its ingress.
        NotKept: it refers to an answer that no provider of the chain may have.
    """
    names = asked.profile.providers
    for step in STEPS:
        names = step.sort(asked, names)
    return names


def remarks(asked: Asked) -> dict[str, list[str]]:
    """Return by provider why it is not tried, or not earlier; raises as `in_order` does."""
    names, found = asked.profile.providers, dict[str, list[str]]()
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
    left_out = [name for name in asked.profile.providers if name not in names]
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


def _serving(asked: Asked, names: list[str]) -> list[str]:
    """Return the providers that get requests of this ingress.

    Raises:
        HttpError: none does.
    """
    ingress = asked.request.ingress
    if ingress not in PASSED_ON:
        return names
    serving = [name for name in names if name in asked.routing.passing[ingress]]
    if not serving:
        raise HttpError(
            404,
            f"no provider of profile {asked.profile.name!r} serves /v1/{ingress}; set `{ingress}: true` on one that"
            " has such a model, or use another profile",
            code="unsupported_endpoint",
            retry_is_vain=True,
        )
    return serving


STEPS = (
    Step("it does not serve such requests", _serving),
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
