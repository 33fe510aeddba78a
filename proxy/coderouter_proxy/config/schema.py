"""What providers.yaml may say: every field with its type, its range, its default and what it does."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from coderouter_proxy.config.values import (
    Dollars,
    JsonObject,
    Name,
    Regex,
    TimeoutSeconds,
    TimeZone,
    Url,
    Yes,
)

AUTO_PROFILE = "auto"

Kind = Literal["openai_compat", "anthropic", "echo"]
OutputFilter = Literal["strip_thinking", "strip_stop_markers"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cost(_Section):
    """Prices in US dollars per million tokens, and what may be spent in a month (UTC)."""

    input_per_mtok: Annotated[Dollars, "Prompt tokens, cached ones left out."]
    output_per_mtok: Annotated[Dollars, "Completion tokens."]
    cache_read_per_mtok: Annotated[
        Dollars | None, "Prompt tokens read from the cache; left out, a tenth of the input price."
    ] = None
    cache_write_per_mtok: Annotated[
        Dollars | None, "Prompt tokens written to the cache; left out, 1.25 times the input price."
    ] = None
    monthly_budget_usd: Annotated[
        Dollars | None, "Once this much is spent in a month (UTC), the provider is passed over until it ends."
    ] = None


class Cooldown(_Section):
    """When a provider that fails is tried last for a while."""

    threshold: Annotated[int, Field(ge=1), "Failures in a row that begin a cooldown."] = 3
    seconds: Annotated[
        float, Field(gt=0, le=86_400), "How long it lasts, unless the provider said `Retry-After`."
    ] = 60.0


class Capabilities(_Section):
    """What a provider's model can do; what is left out is known of the model, or false."""

    thinking: Annotated[
        bool | None, "Providers without it are asked later, and without `thinking`, when a request has it."
    ] = None
    reasoning_passthrough: Annotated[
        bool | None, "Leave `reasoning` and `reasoning_content` in answers to OpenAI clients."
    ] = None
    tools: Annotated[bool | None, "False: asked later when a request has tools. Left out, true."] = None
    chat: Annotated[bool, "No effect; CodeRouter 1.7 has it."] = True
    streaming: Annotated[bool, "No effect; CodeRouter 1.7 has it."] = True
    vision: Annotated[bool, "No effect; CodeRouter 1.7 has it."] = False
    prompt_cache: Annotated[bool, "No effect; CodeRouter 1.7 has it."] = False
    reasoning_control: Annotated[
        Literal["none", "openai", "anthropic", "provider_specific"], "No effect; CodeRouter 1.7 has it."
    ] = "none"
    mcp: Annotated[Literal["none", "anthropic", "provider_specific"], "No effect; CodeRouter 1.7 has it."] = (
        "none"
    )
    openai_compatible: Annotated[bool, "No effect; CodeRouter 1.7 has it."] = True


class Provider(_Section):
    """One place that answers: a local server, a cloud API, or the built-in echo."""

    name: Annotated[Name, "Unique; what profiles, events and metrics call it."]
    kind: Annotated[
        Kind, "The wire it speaks: `openai_compat` or `anthropic`; `echo` answers with the user's words."
    ] = "openai_compat"
    base_url: Annotated[
        Url, "Where it answers, e.g. `http://127.0.0.1:11434/v1`; only `echo` needs none."
    ] = ""
    # `disagreements` asks for a model where it matters.
    model: Annotated[
        str, 'Asked whatever model the client names; `""` asks for that one. Only `echo` needs none.'
    ] = "echo"
    api_key_env: Annotated[Name | None, "Name of the variable that holds its key."] = None
    paid: Annotated[bool, "Only asked when `allow_paid` is true."] = False
    timeout_s: Annotated[TimeoutSeconds, "To the first content of a stream, or to the whole answer."] = 30.0
    connect_timeout_s: Annotated[TimeoutSeconds, "To connect."] = 5.0
    idle_timeout_s: Annotated[TimeoutSeconds, "Between two chunks of a stream."] = 120.0
    total_timeout_s: Annotated[float, Field(gt=0, le=86_400), "For a whole stream."] = 3600.0
    extra_body: Annotated[JsonObject, "Fields put under those of the client."] = {}
    append_system_prompt: Annotated[str | None, "Put at the end of the system message."] = None
    output_filters: Annotated[
        list[OutputFilter], "`strip_thinking`, `strip_stop_markers`: done to its answers, in this order."
    ] = []
    capabilities: Annotated[Capabilities, "What its model can do; see below."] = Capabilities()
    cost: Annotated[Cost | None, "What its tokens cost; see below."] = None

    def public_url(self) -> str:
        """Return `base_url` without the user name and password it may hold."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class Profile(_Section):
    """A fallback chain; what it sets replaces the value of each provider in it."""

    name: Annotated[Name, "Unique; `auto` is taken by the auto router."]
    providers: Annotated[list[Name], Field(min_length=1), "Names of providers, in the order of trying."]
    timeout_s: Annotated[TimeoutSeconds | None, "Replaces that of each provider."] = None
    append_system_prompt: Annotated[str | None, 'Replaces that of each provider; `""` leaves it out.'] = None
    cooldown: Annotated[
        Cooldown | None, "Try providers last that keep failing; `{}` takes the defaults. Left out, none does."
    ] = None


class Match(_Section):
    """The one condition of a rule."""

    has_image: Annotated[Yes | None, "The newest user message has an image."] = None
    has_tools: Annotated[Yes | None, "The request has tools."] = None
    code_fence_ratio_min: Annotated[
        Annotated[float, Field(ge=0, le=1)] | None,
        "This share of the newest user message stands between code fences.",
    ] = None
    content_contains: Annotated[Name | None, "The newest user message has these words."] = None
    content_regex: Annotated[Regex | None, "The pattern is found in the newest user message."] = None
    content_token_count_min: Annotated[
        Annotated[int, Field(ge=1)] | None, "The whole request has about this many tokens."
    ] = None
    model_pattern: Annotated[
        Regex | None, "The pattern matches the whole name of the model that the client asks for."
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"has {len(given)} matchers ({', '.join(given)})" if given else "has no matcher"
            raise ValueError(f"{found}; write exactly one of {', '.join(type(self).model_fields)}")
        return self


class AutoRule(_Section):
    """Requests that match go to the profile."""

    id: Annotated[Name, "What events call it."]
    profile: Annotated[Name, "Where the requests go that match."]
    match: Annotated[Match, "Exactly one matcher; see below."]


class AutoRouter(_Section):
    """How a profile is chosen when `default_profile` is `auto`; given rules replace the built-in ones."""

    rules: Annotated[
        list[AutoRule], "The first that matches decides. Without any, the built-in ones do."
    ] = []
    default_rule_profile: Annotated[Name, "The profile when no rule matches."] = "writing"
    disabled: Annotated[bool, "True: no rule is looked at."] = False


class Server(_Section):
    """The proxy towards its clients."""

    body_mib_max: Annotated[int, Field(ge=1, le=1024), "Larger requests get 413."] = 32
    api_keys_env: Annotated[
        Name | None, "Name of the variable with the keys that clients may use, apart by commas or spaces."
    ] = None
    allowed_hosts: Annotated[
        list[Name], "More names that clients may call this machine while it listens on loopback only."
    ] = []


class Config(_Section):
    """The whole of providers.yaml."""

    providers: Annotated[list[Provider], Field(min_length=1), "See below."]
    profiles: Annotated[list[Profile], Field(min_length=1), "See below."]
    default_profile: Annotated[Name, "Profile of requests that name none; `auto` lets rules choose."] = (
        "default"
    )
    allow_paid: Annotated[bool, "Whether paid providers are asked; the variable `ALLOW_PAID` wins."] = False
    mode_aliases: Annotated[dict[str, Name], "Names for profiles, for `--mode` and `X-CodeRouter-Mode`."] = {}
    auto_router: Annotated[AutoRouter | None, "How `auto` chooses; see below."] = None
    server: Annotated[Server, "The proxy towards its clients; see below."] = Server()
    display_timezone: Annotated[
        TimeZone | None, "Zone in which people want to read times, e.g. `Europe/Berlin`."
    ] = None

    def provider(self, name: str) -> Provider | None:
        return next((provider for provider in self.providers if provider.name == name), None)

    def profile(self, name: str) -> Profile | None:
        return next((profile for profile in self.profiles if profile.name == name), None)

    def unknown_providers(self) -> Iterator[tuple[str, str]]:
        """Yield each (profile, provider) where a chain names a provider that is not configured."""
        known = {provider.name for provider in self.providers}
        for profile in self.profiles:
            yield from ((profile.name, name) for name in profile.providers if name not in known)


def described(section: type[BaseModel]) -> dict[str, str]:
    """Return the section's fields, each with what it does."""
    return {
        name: next(text for text in field.metadata if isinstance(text, str))
        for name, field in section.model_fields.items()
    }
