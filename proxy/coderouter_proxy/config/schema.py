"""Schema of providers.yaml as a whole: every field with its type, its range, its default and what it does.

Other packages import all sections from here.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from coderouter_events.closed_sets import ToolLoopAction
from coderouter_proxy.config.auto_rules import AutoRouter
from coderouter_proxy.config.chains import Affinity, Link, flat
from coderouter_proxy.config.model import Capabilities, Cost
from coderouter_proxy.config.provider import Provider
from coderouter_proxy.config.section import Section
from coderouter_proxy.config.values import Name, Text, TimeoutSeconds, TimeZone, VariableName, http_url

__all__ = (
    "Affinity",
    "AutoRouter",
    "Capabilities",
    "Config",
    "Cooldown",
    "Cost",
    "Profile",
    "Provider",
    "Server",
)

AUTO_PROFILE = "auto"
ALL_SKIPPED = "all-skipped"
"""In the context of a validation: whether there may be no provider left."""
ExporterUrl = Annotated[str, AfterValidator(http_url)]


class Cooldown(Section):
    """When a failing provider moves to the end of the chain for a while."""

    threshold: Annotated[int, Field(ge=1), "Consecutive failures that start a cooldown."] = 3
    seconds: Annotated[
        float, Field(gt=0, le=86_400), "Duration of a cooldown, unless the provider sent `Retry-After`."
    ] = 60.0


class Profile(Section):
    """A fallback chain; its settings override those of each provider in it."""

    name: Annotated[Name, "Unique; `auto` is reserved for the auto router."]
    providers: Annotated[
        list[Link],
        Field(min_length=1),
        "Names of providers, in the order they are tried; a list in it is a group of equal ones, e.g."
        " `[[gpu1, gpu2], cloud]`: the one with the fewest requests in flight is tried first. A member may"
        " have a weight: `{name: gpu1, weight: 2}`.",
    ]
    timeout_s: Annotated[TimeoutSeconds | None, "Overrides that of each provider."] = None
    append_system_prompt: Annotated[str | None, 'Overrides that of each provider; `""` removes it.'] = None
    cooldown: Annotated[
        Cooldown | None,
        "Move failing providers to the end of the chain; `{}` uses the defaults; off when omitted.",
    ] = None
    affinity: Annotated[
        Affinity, "How long a conversation stays with the provider that answers it; see below."
    ] = Affinity()
    tool_loop: Annotated[
        ToolLoopAction,
        "What to do when a request ends with the same tool call, with the same arguments, again and again: only `warn`"
        " in an event, `inject` a note for the model at its end, or `refuse` it.",
    ] = "warn"
    tool_loop_repeats: Annotated[int, Field(ge=2, le=1000), "How many times in a row count as a loop."] = 3

    @cached_property
    def names(self) -> list[str]:
        """The names of all providers, in the order of the chain."""
        return flat(self.providers)


class Server(Section):
    """How the proxy serves its clients."""

    body_mib_max: Annotated[
        int, Field(ge=1, le=1024), "Maximum request body in MiB; larger requests get 413."
    ] = 32
    bodies_mib_max: Annotated[
        int | None,
        Field(ge=1),
        "Memory for the bodies of all requests in progress, in MiB; a request beyond it gets 503. "
        "By default a sixteenth of the memory of the machine or its cgroup, at most 192.",
    ] = None
    api_keys_env: Annotated[
        VariableName | None,
        "Environment variable with the keys clients may use, separated by commas or spaces.",
    ] = None
    exporter_url: Annotated[
        ExporterUrl | None,
        Field(examples=["http://127.0.0.1:9847"]),
        "URL of `cr-exporter`, to which the proxy redirects `/metrics`, `/metrics.json` and `/dashboard`. With"
        " `coderouter run` the address of its exporter when omitted.",
    ] = None
    allowed_hosts: Annotated[
        list[Text], "Additional Host names accepted while listening on loopback only."
    ] = []


class Config(Section):
    """The whole of providers.yaml."""

    providers: Annotated[list[Provider], Field(json_schema_extra={"minItems": 1}), "See below."]
    profiles: Annotated[list[Profile], Field(min_length=1), "See below."]
    default_profile: Annotated[
        Name, "Profile for requests that do not name one; `auto` lets rules choose."
    ] = "default"
    allow_paid: Annotated[
        bool, "Whether paid providers may be used; the environment variable `ALLOW_PAID` overrides it."
    ] = False
    mode_aliases: Annotated[
        dict[Name, Name], "Other names for profiles, for `--mode` and `X-CodeRouter-Mode`."
    ] = {}
    model_map: Annotated[
        dict[str, Name],
        Field(examples=[{"claude-haiku*": "background", "*": "coding"}]),
        "Profile for requests by the model that they name: the first pattern that matches decides, e.g."
        ' `{"claude-haiku*": background, "*": coding}`; `*`, `?`, `[seq]`, case counts.',
    ] = {}
    auto_router: Annotated[AutoRouter | None, "How `auto` chooses; see below."] = None
    server: Annotated[Server, "How the proxy serves its clients; see below."] = Server()
    display_timezone: Annotated[
        TimeZone | None, "IANA time zone for displayed times, e.g. `Europe/Berlin`."
    ] = None

    @field_validator("providers")
    @classmethod
    def _has_some(cls, value: list[Provider], info: ValidationInfo) -> list[Provider]:
        if not value and not (info.context or {}).get(ALL_SKIPPED):
            raise PydanticCustomError("too_short", "should not be empty", {"min_length": 1})
        return value

    def provider(self, name: str) -> Provider | None:
        return next((provider for provider in self.providers if provider.name == name), None)

    def profile(self, name: str) -> Profile | None:
        return next((profile for profile in self.profiles if profile.name == name), None)

    def unknown_providers(self) -> Iterator[tuple[str, str]]:
        """Yield each (profile, provider) where a chain names a provider that is not configured."""
        known = {provider.name for provider in self.providers}
        for profile in self.profiles:
            yield from ((profile.name, name) for name in profile.names if name not in known)
