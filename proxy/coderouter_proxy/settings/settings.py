"""What a proxy process is started with, and the reading of its configuration, at start and again at SIGHUP."""

import os
from dataclasses import dataclass
from pathlib import Path

from coderouter_events.events import ModeSource
from coderouter_http import hosts
from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.routing import access, capabilities, profiles
from coderouter_proxy.routing.capabilities import CapabilityRule
from coderouter_proxy.routing.profiles import DefaultProfile

PING_S = 15.0  # under the 20 s after which Claude Code warns


@dataclass(frozen=True, kw_only=True)
class LaunchOptions:
    """How the proxy was started."""

    config_path: Path | None
    mode: str | None
    mode_source: ModeSource
    events_path: Path | None
    host: str
    insecure: bool


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The start and what the configuration said then; travels to worker processes by pickling."""

    start: LaunchOptions
    config: Config
    default: DefaultProfile
    rules: list[CapabilityRule]
    ping_s: float = PING_S

    @property
    def spend_path(self) -> Path | None:
        """Where spending against budgets is kept; None when no provider has a budget."""
        if not any(p.cost and p.cost.monthly_budget_usd is not None for p in self.config.providers):
            return None
        if state := os.environ.get("STATE_DIRECTORY"):
            return Path(state) / "spend.db"
        events = self.start.events_path
        return (events.parent if events else Path("~/.coderouter").expanduser()) / "spend.db"


def read(start: LaunchOptions) -> Settings:
    """Return the settings with the configuration as its files are now.

    Raises:
        ConfigErrors: with every fault.
        UnknownMode: the configuration has no such mode.
    """
    config = load.load(start.config_path).config
    names = config.server.api_keys_env
    if names is not None and not access.keys(config.server):
        raise ConfigErrors(
            [f"server.api_keys_env: the variable {names} is empty or not set; put the accepted keys in it"]
        )
    if names is None and not start.insecure and not hosts.is_loopback(start.host):
        risk = f"--host {start.host} lets others use this proxy and its keys"
        raise ConfigErrors([f"{risk}; set server.api_keys_env, listen on 127.0.0.1, or say --insecure"])
    return Settings(
        start=start,
        config=config,
        default=profiles.default(config, start.mode, start.mode_source),
        rules=capabilities.load(),
    )
