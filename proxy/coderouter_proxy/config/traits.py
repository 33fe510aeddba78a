"""What a provider accepts where its wire allows more: declared in providers.yaml, known by host or model, or learnt."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from coderouter_proxy.config.section import Section

SystemText = Literal["anywhere", "first", "never"]
CallIds = Literal["any", "nine"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)


class Traits(Section):
    """Traits as a file declares them; those that are left out are decided elsewhere."""

    # vllm-project/vllm and llama.cpp raise "System message must be at the beginning" for Qwen 3.5 and later
    # (anthropics/claude-code#77698); Gemma's template knows no system role at all.
    system_text: Annotated[
        SystemText | None, "Where system text may be: `anywhere`, only `first`, or `never`."
    ] = None
    # Templates of Gemma and Mistral raise "Conversation roles must alternate user/assistant".
    alternating: Annotated[bool | None, "Whether user and assistant messages have to alternate."] = None
    # Mistral: "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9" (opencode#1680).
    call_ids: Annotated[CallIds | None, "Form of tool-call ids: `any`, or `nine` letters or digits."] = None
    # OpenAI's reasoning models and Azure refuse max_tokens; older servers do not know the new name.
    max_tokens_field: Annotated[
        Literal["max_tokens", "max_completion_tokens"] | None, "Name of the field that limits the answer."
    ] = None
    # openclaude#331: "max_tokens must be less than or equal to 8192".
    max_output_tokens: Annotated[
        Annotated[int, Field(ge=1)] | None, "The largest limit it accepts; larger ones are lowered to it."
    ] = None
    # Mistral answers 422 extra_forbidden (crush#1590), Groq "property … is unsupported".
    refused_fields: Annotated[list[str] | None, "Fields of a request that it refuses; left out."] = None
    # Claude 4.1 and later: "temperature and top_p cannot both be specified" (CLIProxyAPI#193).
    temperature_with_top_p: Annotated[bool | None, "Whether both may be in one request."] = None
    # DeepSeek's thinking models and others: "tool_choice … is not supported".
    forced_tool_choice: Annotated[bool | None, "Whether `tool_choice` may require a call."] = None
    # Gemini: Unknown name "exclusiveMinimum" (claude-code-router#562).
    refused_schema_keywords: Annotated[
        list[str] | None, "Keywords of JSON Schema that it refuses in tools; left out."
    ] = None
    # DeepSeek: "unknown variant `image_url`, expected `text`" (claude-code-router#1409).
    images: Annotated[bool | None, "Whether it takes images; if not, a text replaces each."] = None
    documents: Annotated[bool | None, "Whether it takes documents; if not, a text replaces each."] = None
    # DeepSeek's guide: the reasoning of a turn with tool calls has to come back, else 400.
    returns_reasoning: Annotated[
        bool | None, "Whether `reasoning_content` of a turn with tool calls has to come back."
    ] = None
    # Gemini 3: "Function call is missing a thought_signature" (qwen-code#1187).
    thought_signatures: Annotated[
        bool | None, "Whether a call has to come back with Google's `thought_signature`."
    ] = None
    # ollama#17331: "invalid reasoning effort"; levels above or below are clamped.
    efforts: Annotated[
        list[Effort] | None, "Levels of reasoning effort it accepts, from low to high; none if empty."
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTraits:
    """Traits with a value for each; the defaults are those of a local server behind a chat template."""

    system_text: SystemText = "first"
    alternating: bool = True
    call_ids: CallIds = "any"
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    max_output_tokens: int | None = None
    refused_fields: tuple[str, ...] = ()
    temperature_with_top_p: bool = True
    forced_tool_choice: bool = True
    refused_schema_keywords: tuple[str, ...] = ()
    images: bool = True
    documents: bool = True
    returns_reasoning: bool = False
    thought_signatures: bool = False
    efforts: tuple[Effort, ...] | None = None


def resolved(*declared: Traits | None) -> ProviderTraits:
    """Return each trait from the first declaration that has it, else its default."""
    decided: dict[str, Any] = {}
    for each in declared:
        for field in fields(ProviderTraits):
            value = getattr(each, field.name) if each is not None else None
            if value is not None and field.name not in decided:
                decided[field.name] = tuple(value) if isinstance(value, list) else value
    return ProviderTraits(**decided)
