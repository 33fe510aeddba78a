"""In which order the providers of a profile are tried: a table of reasons to try one of them later, or not at all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities, hosted, media, referred
from coderouter_proxy.routing.affinity import Affinity, Stay
from coderouter_proxy.routing.capabilities import Sort
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.loads import Loads
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.wires.clients import PASSED_ON


@dataclass(slots=True)
class Asked:
    """A request, and what its order depends on; `stay` is that of its conversation, once `in_order` has found it.

    `by_load` is how busy its providers were when that was first looked at.
    """

    request: ClientRequest
    profile: Profile
    routing: Routing
    cooldowns: Cooldowns
    loads: Loads
    affinity: Affinity
    stay: Stay | None = None
    by_load: list[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """`reason` is why a provider moves behind others, or is left out, when `sort` puts the names in order.

    It returns the list that it was given where the request gives it nothing to do.

    A step that is `brief` is about other requests: without those, the order is that of the needs.
    One that `refuses` some requests runs for a single name, too; the others have nothing to put in order then.
    """

    reason: str
    sort: Callable[[Asked, list[str]], list[str]]
    brief: bool = False
    refuses: bool = False


def in_order(asked: Asked) -> Iterable[str]:
    """Return the names of the providers in the order in which they are tried.

    Behind the one that a conversation stays with, the order is that of the moment at which it is needed.

    Raises:
        HttpError: the request forces a tool that runs at a vendor, and no provider of the chain has it, or none serves
            its ingress.
        NotKept: it refers to an answer that no provider of the chain may have.
    """
    names, acting = _sorted(asked, LASTING if len(asked.profile.names) > 1 else REFUSING)
    asked.stay = stay = _stay(asked, names)
    cools_down = asked.profile.cooldown is not None and asked.cooldowns.any_failed
    if stay is None or stay.provider is None:
        if not cools_down and not _has_groups(asked):
            return names
    elif not acting and not cools_down and stay.provider not in stay.chain.paid:
        # The others are put in order once they are needed; dropping a generator before its start costs an exception.
        return chain((stay.provider,), chain.from_iterable(map(_others, (asked,))))
    return _sorted(asked, [step for step in STEPS if step.brief or step in acting])[0]


def _others(asked: Asked) -> list[str]:
    """Return the providers behind the one that the conversation stays with."""
    stays_with = asked.stay.provider if asked.stay is not None else None
    return [name for name in _sorted(asked, BRIEF)[0] if name != stays_with]


def _sorted(asked: Asked, steps: Iterable[Step]) -> tuple[list[str], list[Step]]:
    """Return the names in order, and the steps that this request gives something to do, in whatever order."""
    names, acting = asked.profile.names, list[Step]()
    for step in steps:
        before, names = names, step.sort(asked, names)
        if names is not before:
            acting.append(step)
    return names, acting


def explained(asked: Asked) -> tuple[list[str], dict[str, list[str]]]:
    """Return the names as `in_order` does, and by provider why it is not tried, or not earlier; raises the same."""
    if asked.stay is None:
        asked.stay = _stay(asked, _sorted(asked, LASTING)[0])
    names, remarks = asked.profile.names, dict[str, list[str]]()
    for step in STEPS:
        before, names = names, step.sort(asked, names)
        for name in _later(before, names):
            remarks.setdefault(name, []).append(f"later: {step.reason}")
        for name in before:
            if name not in names:
                remarks.setdefault(name, []).append(f"left out: {step.reason}")
    return names, remarks


def described(asked: Asked) -> str:
    """Return the chain in words for the log: each provider, and why it is not tried, or not earlier."""
    names, remarks = explained(asked)
    all_names = names + [name for name in asked.profile.names if name not in names]
    return ", ".join(
        f"{name} ({'; '.join(remarks[name])})" if name in remarks else name for name in all_names
    )


def _stay(asked: Asked, names: list[str]) -> Stay | None:
    """Return the stay of the conversation; these are the names for its needs."""
    routing, session, minutes = asked.routing, asked.request.session, asked.profile.affinity.minutes
    prepared = routing.chains.get(asked.profile.name)
    if session is None or not minutes or prepared is None:
        return None
    for first in names:
        if first in prepared.may_be_tried:
            return Stay(asked.affinity, prepared, session.conversation, first, minutes)
    return None


def _later(before: list[str], after: list[str]) -> Iterator[str]:
    """Yield the names that others have overtaken."""
    for position, name in enumerate(after):
        if any(before.index(other) > before.index(name) for other in after[:position]):
            yield name


def _has_groups(asked: Asked) -> bool:
    prepared = asked.routing.chains.get(asked.profile.name)
    return prepared is not None and bool(prepared.groups)


def _by_load(asked: Asked, names: list[str]) -> list[str]:
    if not _has_groups(asked):
        return names
    if asked.by_load is None:
        asked.by_load = asked.routing.chains[asked.profile.name].by_load(asked.loads)
    return (
        asked.by_load if names is asked.profile.names else [each for each in asked.by_load if each in names]
    )


def _by_stay(asked: Asked, names: list[str]) -> list[str]:
    """Return the names, first the one that the conversation stays with; a paid one stays behind those that are not."""
    stays_with = asked.stay.provider if asked.stay is not None else None
    if stays_with not in names or stays_with == names[0]:
        return names
    at, paid = names.index(stays_with), asked.routing.chains[asked.profile.name].paid
    free = [name for name in names[:at] if name not in paid] if stays_with in paid else []
    return [*free, stays_with, *(name for name in names[:at] if name not in free), *names[at + 1 :]]


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
    Step("it does not serve such requests", _serving, refuses=True),
    Step("an equal one is less busy", _by_load, brief=True),
    Step("the conversation stays with another one", _by_stay, brief=True),
    *(Step(reason, _by_need(sort)) for reason, sort in capabilities.NEEDS),
    Step(
        "it does not have the tools of the request that run at a vendor",
        lambda asked, names: hosted.in_order(asked.request, names, asked.routing),
        refuses=True,
    ),
    Step(
        "it cannot have the earlier answer that the request refers to",
        lambda asked, names: referred.in_order(asked.request, names, asked.routing),
        refuses=True,
    ),
    Step("it is in cooldown", _by_cooldown, brief=True),
    Step(
        "it does not take images or documents",
        lambda asked, names: media.in_order(asked.request.outline, names, asked.routing.clients),
    ),
)
"""Applied one after the other; a later one matters more."""
BRIEF = tuple(step for step in STEPS if step.brief)
LASTING = tuple(step for step in STEPS if not step.brief)
REFUSING = tuple(step for step in STEPS if step.refuses)
