"""Schema of one provider in providers.yaml."""

import os
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from coderouter_proxy.config.headers import Headers, can_hold
from coderouter_proxy.config.http_proxies import HttpProxyUrl
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.model import Capabilities, Cost
from coderouter_proxy.config.section import Section
from coderouter_proxy.config.traits import Traits
from coderouter_proxy.config.values import (
    JsonObject,
    KeyFiles,
    Kind,
    Name,
    Text,
    TimeoutSeconds,
    VariableNames,
    http_url,
)

OutputFilter = Literal["strip_thinking", "strip_stop_markers", "strip_tool_call_xml", "repair_byte_fallback"]
FIXED_PARAMS = ("messages", "model", "stream")
"""What a request is; the router itself decides these."""
KEY_HEADERS = ("authorization", "x-api-key")
KEY_FIELDS = ("api_key_env", "api_key_file")
_Params = TypeVar("_Params", dict[str, Any], list[str])


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


class Provider(Section):
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
        "Most requests in flight, of all workers together; others wait in line for up to `queue_s`. No limit when"
        " omitted.",
    ] = None
    queue_s: Annotated[
        float,
        Field(ge=0, le=3600),
        "Seconds that a request waits in line for a place, before the next provider of the chain is tried.",
    ] = 60.0
    retries: Annotated[
        Annotated[int, Field(ge=0, le=3)] | None,
        "How often a request is retried, after half a second or what `Retry-After` says, up to 2 s: when the provider"
        " refuses the connection or drops it without an answer, or returns 503 while it loads a model. If that did not"
        " help, no other request is retried within a minute. When omitted, 1 for a server on this machine or network, 0"
        " for others.",
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
        'HTTP proxy for its requests, e.g. `http://127.0.0.1:3128`; `""` uses none; taken from the environment'
        " when omitted.",
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
    traits: Annotated[Traits, "What it accepts where its wire allows more; see below."] = Traits()
    cost: Annotated[Cost | None, "What its tokens cost; see below."] = None
    embeddings: Annotated[
        bool,
        "Whether it gets requests to `/v1/embeddings`; only the kinds `openai_compat` and `openai_responses`.",
    ] = False
    rerank: Annotated[
        bool | None, "Whether it gets requests to `/v1/rerank`; the same as `embeddings` when omitted."
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
