"""How a proxy process was launched, and its configuration, read at startup and again on SIGHUP."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coderouter_events.closed_sets import ModeSource
from coderouter_http import hosts
from coderouter_http.protocol.limits import Limits
from coderouter_proxy.config import load
from coderouter_proxy.config.coderouter2.notes import Note, summary
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.routing import access, capabilities, context_file, profiles
from coderouter_proxy.routing.capabilities import CapabilityRule
from coderouter_proxy.routing.profiles import DefaultProfile

PING_S = 15.0  # under the 20 s after which Claude Code warns
LIMITS = Limits(
    idle_s=75,  # longer than SDK clients keep an idle connection, so that they close it, not we
    half_s=30,
    unread_s=60,
    descriptors_per_connection=2,  # the other one is to a provider
)


@dataclass(frozen=True, kw_only=True)
class LaunchOptions:
    """The options of `coderouter serve` that stay the same when the configuration is reloaded."""

    config_path: Path | None
    events_path: Path | None
    mode: str | None = None
    mode_source: ModeSource = "config"
    host: str = "127.0.0.1"
    insecure: bool = False
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The launch options and the configuration as it was read; pickled to worker processes."""

    launch: LaunchOptions
    config: Config
    default: DefaultProfile
    rules: list[CapabilityRule]
    notes: tuple[Note, ...] = ()
    ping_s: float = PING_S
    limits: Limits = LIMITS

    @property
    def spend_path(self) -> Path | None:
        """The file that keeps what providers with a budget have spent; None when no provider has one."""
        if not any(p.cost and p.cost.monthly_budget_usd is not None for p in self.config.providers):
            return None
        return self.state_folder / "spend.db"

    def notes_shown(self) -> Iterator[str]:
        """Yield a line that sums up what keys of CodeRouter 2.x have become, and one for each that is a loss."""
        if self.notes:
            yield f"{self.launch.config_path} {summary(self.notes)}"
            yield from (f"{self.launch.config_path}:{note}" for note in self.notes if note.is_loss)

    @property
    def contexts_path(self) -> Path:
        """The file that keeps what was learnt about the contexts of providers."""
        return self.state_folder / context_file.NAME

    @property
    def state_folder(self) -> Path:
        """Where the proxy keeps what survives it: `$STATE_DIRECTORY`, or the folder of the event file."""
        if state := os.environ.get("STATE_DIRECTORY"):
            return Path(state)
        events = self.launch.events_path
        return events.parent if events else Path("~/.coderouter").expanduser()


def read_settings(launch: LaunchOptions) -> Settings:
    """Return the settings with the configuration that its files have now.

    Raises:
        ConfigErrors: with every error.
        UnknownMode: the configuration has no such mode.
    """
    loaded = load.load(launch.config_path)
    config = loaded.config
    keys_env = config.server.api_keys_env
    if keys_env is not None and not access.keys(config.server):
        raise ConfigErrors(
            [f"server.api_keys_env: the variable {keys_env} is empty or not set; put the accepted keys in it"]
        )
    if keys_env is None and not launch.insecure and not hosts.is_loopback(launch.host):
        risk = f"--host {launch.host} lets others use this proxy and its keys"
        raise ConfigErrors([f"{risk}; set server.api_keys_env, listen on 127.0.0.1, or pass --insecure"])
    return Settings(
        launch=launch,
        config=config,
        default=profiles.default(config, launch.mode, launch.mode_source),
        rules=capabilities.load(),
        notes=loaded.notes,
    )
