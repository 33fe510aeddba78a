"""Choose the profile of a request: from the body, else from the headers, else the default."""

from collections.abc import Mapping
from dataclasses import dataclass

from coderouter_events.events import ModeSource
from coderouter_proxy.config.schema import AUTO_PROFILE, Config, Profile
from coderouter_proxy.errors import HttpError

PROFILE_HEADER = b"x-coderouter-profile"
MODE_HEADER = b"x-coderouter-mode"


class UnknownMode(Exception):
    """`--mode` or CODEROUTER_MODE names neither a mode nor a profile; the message lists those that exist."""


@dataclass(frozen=True)
class DefaultProfile:
    """The profile for requests that do not name one, and where it was set."""

    profile: str
    source: ModeSource


def default(config: Config, mode: str | None, source: ModeSource) -> DefaultProfile:
    """Return the default profile: the mode's if one is set, else the configured one.

    Raises:
        UnknownMode
    """
    if mode is None:
        return DefaultProfile(config.default_profile, "config")
    name = config.mode_aliases.get(mode, mode)
    if name != AUTO_PROFILE and config.profile(name) is None:
        raise UnknownMode(f"there is no mode or profile {mode!r}; there are {_known(config)}")
    return DefaultProfile(name, source)


def choose(
    config: Config, default: DefaultProfile, body: Mapping[str, object], headers: Mapping[bytes, bytes]
) -> str:
    """Return the name of the profile, or `auto` if the auto router is to choose.

    Raises:
        HttpError: the request names a profile or a mode that does not exist.
    """
    if (named := body.get("profile")) is not None:
        return _existing(config, named, '"profile" of the body', param="profile")
    if (header := headers.get(PROFILE_HEADER)) is not None:
        return _existing(config, _text(header), "X-CodeRouter-Profile")
    if (header := headers.get(MODE_HEADER)) is not None:
        mode = _text(header)
        if mode not in config.mode_aliases:
            modes = ", ".join(config.mode_aliases) or "none"
            raise HttpError(
                400, f"X-CodeRouter-Mode: there is no mode {mode!r}; there are: {modes}", code="unknown_mode"
            )
        return config.mode_aliases[mode]
    return default.profile


def _text(header: bytes) -> str:
    """Return the value as text: clients send what is not ASCII as UTF-8, some as Latin-1."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def existing(config: Config, name: str) -> Profile:
    """Return the profile of that name.

    Raises:
        HttpError: the client requested `auto`, and the chosen profile is not configured.
    """
    profile = config.profile(name)
    if profile is None:
        raise HttpError(400, f"there is no profile {name!r} for the auto router", code="unknown_profile")
    return profile


def _existing(config: Config, name: object, where: str, param: str | None = None) -> str:
    if not isinstance(name, str) or (name != AUTO_PROFILE and config.profile(name) is None):
        raise HttpError(
            400,
            f"{where}: there is no profile {name!r}; there are: {', '.join(p.name for p in config.profiles)}",
            code="unknown_profile",
            param=param,
        )
    return name


def _known(config: Config) -> str:
    return ", ".join([*config.mode_aliases, *(profile.name for profile in config.profiles)])
