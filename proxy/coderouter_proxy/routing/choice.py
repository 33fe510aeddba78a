"""Choose the profile of a request: a table of ways, of which the first that applies decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from coderouter_proxy.config.schema import AUTO_PROFILE, Profile
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.auto_router import Resolved
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.senders.sender import Sender

PROFILE_HEADER = b"x-coderouter-profile"
MODE_HEADER = b"x-coderouter-mode"

Found = tuple[str, Profile | None]
"""What decided, such as the pattern that matched; and the profile, or None if the auto router is to choose."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to choose a profile; `find` returns None where it does not apply, or raises an HttpError."""

    name: str
    find: Callable[[Routing, ClientRequest], Found | None]


class Choice(NamedTuple):
    """The profile, which way chose it and by what, and the auto router's decision if it made one."""

    profile: Profile
    way: Way
    detail: str
    resolved: Resolved | None = None


def choose(routing: Routing, request: ClientRequest, sender: Sender) -> Choice:
    """Return the profile of the request, and why.

    Raises:
        HttpError: the request names a profile or a mode that does not exist, or the auto router chose such a profile.
    """
    for way in WAYS:
        if (found := way.find(routing, request)) is not None:
            detail, profile = found
            return (
                Choice(profile, way, detail) if profile else _automatic(routing, request, sender, way, detail)
            )
    raise AssertionError("the last way always applies")


def _automatic(routing: Routing, request: ClientRequest, sender: Sender, way: Way, detail: str) -> Choice:
    resolved = routing.auto_router.resolve(request, sender)
    profile = routing.models.profiles.get(resolved.profile)
    if profile is None:
        raise HttpError(
            400, f"there is no profile {resolved.profile!r} for the auto router", code="unknown_profile"
        )
    return Choice(profile, way, detail, resolved)


def _by_body(routing: Routing, request: ClientRequest) -> Found | None:
    named = request.body.get("profile")
    return None if named is None else _existing(routing, named, '"profile" of the body', param="profile")


def _by_profile_header(routing: Routing, request: ClientRequest) -> Found | None:
    named = request.headers.get(PROFILE_HEADER)
    return None if named is None else _existing(routing, _text(named), "X-CodeRouter-Profile")


def _by_mode_header(routing: Routing, request: ClientRequest) -> Found | None:
    header = request.headers.get(MODE_HEADER)
    if header is None:
        return None
    mode, aliases = _text(header), routing.config.mode_aliases
    if mode not in aliases:
        modes = ", ".join(aliases) or "none"
        raise HttpError(
            400, f"X-CodeRouter-Mode: there is no mode {mode!r}; there are: {modes}", code="unknown_mode"
        )
    return mode, routing.models.profiles.get(aliases[mode])


def _text(header: bytes) -> str:
    """Return the value as text: clients send what is not ASCII as UTF-8, some as Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _by_model_name(routing: Routing, request: ClientRequest) -> Found | None:
    model = request.body.get("model")
    profile = routing.models.named(model)
    return None if profile is None else (str(model), profile)


def _by_model_map(routing: Routing, request: ClientRequest) -> Found | None:
    mapped = routing.models.mapped(request.body.get("model"))
    return None if mapped is None else (mapped[0], routing.models.profiles.get(mapped[1]))


def _by_default(routing: Routing, request: ClientRequest) -> Found:
    del request
    name = routing.default.profile
    return name, routing.models.profiles.get(name)


WAYS = (
    Way('"profile" of the body', _by_body),
    Way("X-CodeRouter-Profile", _by_profile_header),
    Way("X-CodeRouter-Mode", _by_mode_header),
    Way("a model that names a profile or a provider", _by_model_name),
    Way("model_map", _by_model_map),
    Way("default_profile", _by_default),
)
"""From the strongest to the weakest; where a way chooses `auto`, the auto router does."""


def _existing(routing: Routing, name: object, where: str, param: str | None = None) -> Found:
    profile = routing.models.profiles.get(name) if isinstance(name, str) else None
    if not isinstance(name, str) or (profile is None and name != AUTO_PROFILE):
        known = ", ".join(each.name for each in routing.config.profiles)
        raise HttpError(
            400,
            f"{where}: there is no profile {name!r}; there are: {known}",
            code="unknown_profile",
            param=param,
        )
    return name, profile
