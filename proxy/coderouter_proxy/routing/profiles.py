"""The profile for requests that do not name one."""

from dataclasses import dataclass

from coderouter_events.closed_sets import ModeSource
from coderouter_proxy.config.schema import AUTO_PROFILE, Config


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


def _known(config: Config) -> str:
    return ", ".join([*config.mode_aliases, *(profile.name for profile in config.profiles)])
