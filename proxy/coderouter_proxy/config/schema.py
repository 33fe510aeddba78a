"""Schema of providers.yaml: every field with its type, its range, its default and what it does."""

import os
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from coderouter_events.closed_sets import ToolLoopAction
from coderouter_proxy.config.auto_rules import AutoRouter
from coderouter_proxy.config.chains import Affinity, Link, flat
from coderouter_proxy.config.headers import Headers, can_hold
from coderouter_proxy.config.http_proxies import HttpProxyUrl
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.traits import Traits
from coderouter_proxy.config.values import (
    Dollars,
    JsonObject,
    KeyFiles,
    Name,
    Text,
    TimeoutSeconds,
    TimeZone,
    VariableName,
    VariableNames,
    http_url,
)

AUTO_PROFILE = "auto"
ALL_SKIPPED = "all-skipped"
"""In the context of a validation: whether there may be no provider left."""


def known_kind(*others: str) -> AfterValidator:
    """Return the validation of a field that names a kind of provider, or one of the others."""

    def check(value: str) -> str:
        names = (*PROVIDER_KINDS, *others)
        if value not in names:
            *first, last = map(repr, names)
            expected = f"{', '.join(first)} or {last}"
            raise PydanticCustomError("literal_error", "should be {expected}", {"expected": expected})
        return value

    return AfterValidator(check)


Kind = Annotated[str, known_kind()]
_Params = TypeVar("_Params", dict[str, Any], list[str])
OutputFilter = Literal["strip_thinking", "strip_stop_markers", "strip_tool_call_xml", "repair_byte_fallback"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cost(_Section):
    """Prices in US dollars per million tokens, and a monthly budget (UTC)."""

    input_per_mtok: Annotated[
        Dollars | None, "Prompt tokens, excluding cached ones; what answers cost is unknown when omitted."
    ] = None
    output_per_mtok: Annotated[
        Dollars | None, "Completion tokens; what answers cost is unknown when omitted."
    ] = None
    cache_read_per_mtok: Annotated[
        Dollars | None, "Prompt tokens read from the cache; a tenth of the input price when omitted."
    ] = None
    cache_write_per_mtok: Annotated[
        Dollars | None, "Prompt tokens written to the cache; 1.25 times the input price when omitted."
    ] = None
    monthly_budget_usd: Annotated[
        Dollars | None, "Once this much is spent in a month (UTC), the provider is skipped until it ends."
    ] = None
    as_of: Annotated[
        date | None, "Day of these prices; `check-config` warns when they are older than 180 days."
    ] = None


class Cooldown(_Section):
    """When a failing provider moves to the end of the chain for a while."""

    threshold: Annotated[int, Field(ge=1), "Consecutive failures that start a cooldown."] = 3
    seconds: Annotated[
        float, Field(gt=0, le=86_400), "Duration of a cooldown, unless the provider sent `Retry-After`."
    ] = 60.0


class Capabilities(_Section):
    """What a provider's model can do; an omitted field is looked up by the model's name."""

    thinking: Annotated[
        bool | None,
        "Whether it supports thinking; if not, it is tried later for requests with `thinking` and gets them without.",
    ] = None
    reasoning_passthrough: Annotated[
        bool | None, "Keep `reasoning` and `reasoning_content` in answers to clients of Chat Completions."
    ] = None
    tools: Annotated[
        bool | None,
        "Whether it can use tools; if not, it is tried later for requests with tools. True unless known otherwise.",
    ] = None
    vision: Annotated[
        bool | None,
        "Whether it sees images; if not, it is tried last for requests with images or documents, and gets a"
        " placeholder text for each.",
    ] = None
    max_context_tokens: Annotated[
        Annotated[int, Field(ge=1)] | None,
        "Longer requests (estimated) skip it. When omitted, what its server reports, if that is llama.cpp, vLLM or"
        " Ollama on this machine or network.",
    ] = None


FIXED_PARAMS = ("messages", "model", "stream")
"""What a request is; the router itself decides these."""
ExporterUrl = Annotated[str, AfterValidator(http_url)]
KEY_HEADERS = ("authorization", "x-api-key")
KEY_FIELDS = ("api_key_env", "api_key_file")


def _settable(params: _Params) -> _Params:
    for name in FIXED_PARAMS:
        if name in params:
            raise ValueError(f"has {name!r}, which the router decides; remove it")
    return params


def _listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _needs_address(kind: object) -> bool:
    known = PROVIDER_KINDS.get(kind) if isinstance(kind, str) else None
    return known is None or known.needs_address


class Provider(_Section):
    """One LLM provider: a local server, a cloud API, or the built-in echo."""

    name: Annotated[Name, "Unique; identifies the provider in profiles, events and metrics."]
    kind: Annotated[
        Kind, f"What it is: {'; '.join(f'`{each.name}` {each.about}' for each in PROVIDER_KINDS.values())}."
    ] = "openai_compat"
    base_url: Annotated[
        str,
        Field(examples=["http://127.0.0.1:11434/v1"]),
        "URL of its API, e.g. `http://127.0.0.1:11434/v1`; `echo` has none.",
    ]
    model: Annotated[
        str,
        Field(examples=["qwen2.5-coder:7b"]),
        'Sent instead of the model the client names; `""` sends the client\'s. `echo` needs none.',
    ]
    api_key_env: Annotated[
        VariableNames,
        "Environment variable that holds its API key, or a list of them: a key that it refuses with 401, 402, 403 or"
        " 429 rests, and the next one is sent.",
    ] = None
    api_key_file: Annotated[
        KeyFiles,
        "File that holds its API key, or a list of them, e.g. `${CREDENTIALS_DIRECTORY}/openai`; read again when it"
        " changes. Its keys come after those of `api_key_env`.",
    ] = None
    paid: Annotated[bool, "Only used when `allow_paid` is true."] = False
    max_in_flight: Annotated[
        Annotated[int, Field(ge=1)] | None,
        "Requests that it gets at once, from all workers together; others wait in line for `queue_s`. No limit when"
        " omitted.",
    ] = None
    queue_s: Annotated[
        float,
        Field(ge=0, le=3600),
        "Seconds that a request waits in line for a place, before the next provider of the chain is tried.",
    ] = 60.0
    retries: Annotated[
        Annotated[int, Field(ge=0, le=3)] | None,
        "How often a request is sent again, after half a second or what `Retry-After` says, up to 2 s: when it refuses"
        " the connection or drops it without an answer, and at a 503 while it loads a model. When that did not help, no"
        " other request waits for it within a minute. When omitted, 1 for a server on this machine or network, 0 for"
        " others.",
    ] = None
    timeout_s: Annotated[
        TimeoutSeconds, "Seconds to the first content of a stream, or to the complete answer."
    ] = 30.0
    ttft_timeout_s: Annotated[
        TimeoutSeconds | None,
        "Seconds to the first content of a stream where the chain has another provider after it, if shorter than"
        " `timeout_s`.",
    ] = None
    connect_timeout_s: Annotated[TimeoutSeconds, "Seconds to connect."] = 5.0
    idle_timeout_s: Annotated[
        TimeoutSeconds, "Seconds without an event in a stream; comments and pings do not count."
    ] = 120.0
    total_timeout_s: Annotated[
        TimeoutSeconds, "Seconds for a whole stream; when omitted, `timeout_s` if that is longer."
    ] = 3600.0
    extra_body: Annotated[JsonObject, "Default fields, overridden by the client's."] = {}
    set_params: Annotated[JsonObject, AfterValidator(_settable), "Fields that override the client's."] = {}
    drop_params: Annotated[
        list[Text],
        AfterValidator(_settable),
        "Fields that are left out of its requests, e.g. `[parallel_tool_calls]`.",
    ] = []
    max_output_tokens: Annotated[
        Annotated[int, Field(ge=1)] | None, "Larger limits of output tokens are lowered to this."
    ] = None
    headers: Annotated[
        Headers,
        "Additional request headers; `${NAME}` in a value is replaced by that environment variable.",
    ] = {}
    http_proxy: Annotated[
        HttpProxyUrl | None,
        'HTTP proxy for its requests, e.g. `http://127.0.0.1:3128`; `""` uses none; what the environment says when'
        " omitted.",
    ] = None
    append_system_prompt: Annotated[str | None, "Appended to the system message."] = None
    slot_affinity_slots: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None,
        "Slots of a llama.cpp server (its `--parallel`): all requests of a conversation name the same one (`id_slot`),"
        " so that its prompt cache stays. On Chat Completions only.",
    ] = None
    output_filters: Annotated[
        list[OutputFilter],
        "`strip_thinking`, `strip_stop_markers`, `strip_tool_call_xml`, `repair_byte_fallback`: applied to answers.",
    ] = []
    capabilities: Annotated[Capabilities, "What its model can do; see below."] = Capabilities()
    traits: Annotated[Traits, "What it accepts of what its wire allows; see below."] = Traits()
    cost: Annotated[Cost | None, "What its tokens cost; see below."] = None
    embeddings: Annotated[
        bool,
        "Whether it gets requests to `/v1/embeddings`; only the kinds `openai_compat` and `openai_responses`.",
    ] = False
    rerank: Annotated[
        bool | None, "Whether it gets requests to `/v1/rerank`; as `embeddings` when omitted."
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _without_address(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the file has
        if not isinstance(data, dict) or _needs_address(data.get("kind")):
            return data
        return {"base_url": "", "model": data["kind"], **data}

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str, info: ValidationInfo) -> str:
        has_none = not value and not _needs_address(info.data.get("kind"))
        return value if has_none else http_url(value)

    @field_validator("api_key_env")
    @classmethod
    def _holds_a_key(cls, value: str | list[str] | None) -> str | list[str] | None:
        if not all(can_hold(os.environ.get(name, "").strip()) for name in _listed(value)):
            raise ValueError(
                "holds a key with line breaks or other characters that no header can hold; correct the variable"
            )
        return value

    @field_validator("headers")
    @classmethod
    def _has_one_key(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for field in KEY_FIELDS:
            for name in value if info.data.get(field) is not None else ():
                if name.lower() in KEY_HEADERS:
                    raise ValueError(f"has {name!r} beside {field}, which sets it; remove one of them")
        return value

    @property
    def stream_s(self) -> float:
        """How long a whole stream may take."""
        is_given = "total_timeout_s" in self.model_fields_set
        return self.total_timeout_s if is_given else max(self.total_timeout_s, self.timeout_s)

    @property
    def key_variables(self) -> list[str]:
        return _listed(self.api_key_env)

    @property
    def key_files(self) -> list[str]:
        return _listed(self.api_key_file)

    @field_validator("embeddings", "rerank")
    @classmethod
    def _has_such_an_api(cls, value: bool | None, info: ValidationInfo) -> bool | None:  # noqa: FBT001
        kind = PROVIDER_KINDS.get(info.data.get("kind", ""))
        if value and kind is not None and not (kind.needs_address and kind.key_header == "authorization"):
            raise ValueError(f"needs an API like OpenAI's, which kind {kind.name} does not have; remove it")
        return value

    def serves(self, ingress: str) -> bool:
        """Return whether it gets requests of `embeddings` or `rerank`."""
        return self.rerank if ingress == "rerank" and self.rerank is not None else self.embeddings

    @cached_property
    def server(self) -> str:
        """What queues are named by: a provider that has moved to another address is another server."""
        return f"{self.name} {self.base_url}"

    def public_url(self) -> str:
        """Return `base_url` without any user name and password."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class Profile(_Section):
    """A fallback chain; its settings override those of each provider in it."""

    name: Annotated[Name, "Unique; `auto` is reserved for the auto router."]
    providers: Annotated[
        list[Link],
        Field(min_length=1),
        "Names of providers, in the order they are tried; a list in it is a group of equal ones, e.g."
        " `[[gpu1, gpu2], cloud]`, of which the one with the fewest requests in flight is tried first. A member may"
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
    tool_loop_repeats: Annotated[int, Field(ge=2, le=1000), "How many times in a row are a loop."] = 3

    @cached_property
    def names(self) -> list[str]:
        """The names of all providers, in the order of the chain."""
        return flat(self.providers)


class Server(_Section):
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


class Config(_Section):
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


def field_descriptions(section: type[BaseModel]) -> dict[str, str]:
    """Return each field of the section with its description."""
    return {
        name: next(text for text in field.metadata if isinstance(text, str))
        for name, field in section.model_fields.items()
    }
