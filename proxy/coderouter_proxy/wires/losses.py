"""What a wire cannot express of a conversation, by its name in events, which never comes from the client."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from coderouter_proxy.wires.conversation import (
    ON_ALL_WIRES,
    Conversation,
    Media,
    Part,
    Thinking,
    VendorPart,
    parts_of,
)

OTHER = "other"
_DATE = re.compile(r"_\d{8}$|_\d{4}_\d\d_\d\d$")  # of the version of a tool that runs at a vendor

_FIELDS = (
    "audio betas cache_control container context_management diagnostics effort fallbacks frequency_penalty"
    " logit_bias logprobs mcp_servers metadata min_p modalities n output_format prediction presence_penalty"
    " prompt_cache_key prompt_cache_retention reasoning reasoning_effort repetition_penalty response_format"
    " safety_identifier seed service_tier speed stop_sequences store strict task_budget tool_choice top_k top_logprobs"
    " user_profile_id verbosity web_search_options"
)
_PARTS = (
    "audio_url citations document file image input_audio video_url"
    " bash_code_execution_tool_result code_execution_tool_result compaction container_upload mcp_tool_result"
    " mcp_tool_use redacted_thinking server_tool_use text_editor_code_execution_tool_result thinking tool_reference"
    " tool_result tool_search_tool_result tool_use web_fetch_tool_result web_search_tool_result"
)
_TOOLS = (
    "bash builtin_function code_execution code_interpreter computer custom file_search image_generation mcp"
    " mcp_toolset apply_patch local_shell memory programmatic_tool_calling"
    " shell text_editor tool tool_search tool_search_tool_bm25 tool_search_tool_regex web_fetch web_search"
    " web_search_preview"
)
KNOWN = frozenset(f"{_FIELDS} {_PARTS} {_TOOLS}".split())
# Both are the thinking of a turn.
_THOUGHTS = {"redacted_thinking": "thinking"}


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a wire can express beyond what all can. `knows_field` is about fields that a conversation keeps by wire,
    `knows_media` about images and documents of a user."""

    knows_field: Callable[[str, object], bool]
    knows_media: Callable[[Media], bool]
    cache: bool = False
    thinking: bool = False
    top_k: bool = False
    strict: bool = False
    stops_max: int | None = None


def losses(
    conversation: Conversation, vocabulary: Vocabulary, *, takes_effort: bool = False
) -> tuple[str, ...]:
    """Return the name of everything that the wire cannot express, once, in the order of the conversation.

    `takes_effort`: the provider gets the effort.
    """
    expressed = conversation.effort_fields if takes_effort else ()
    return tuple(dict.fromkeys(_losses(conversation, vocabulary, expressed)))


def _losses(conversation: Conversation, vocabulary: Vocabulary, expressed: tuple[str, ...]) -> Iterator[str]:
    for fields in conversation.vendor.values():
        yield from (
            named(name)
            for name, value in fields.items()
            if name not in expressed and not vocabulary.knows_field(name, value)
        )
    if conversation.top_k is not None and not vocabulary.top_k:
        yield "top_k"
    if vocabulary.stops_max is not None and len(conversation.stop) > vocabulary.stops_max:
        yield "stop_sequences"
    parts = parts_of(conversation)
    if not vocabulary.cache and (
        any(part.cache is not None for part in parts)
        or any(tool.cache is not None for tool in conversation.tools)
    ):
        yield "cache_control"
    others = [part for part in parts if not isinstance(part, ON_ALL_WIRES)]
    yield from (name for part in others if (name := _lost(part, vocabulary)) is not None)
    for turn in conversation.turns if others else ():
        if turn.role != "user":
            yield from (part.kind for part in turn.parts if isinstance(part, Media))
    if not vocabulary.strict and any(tool.strict for tool in conversation.tools):
        yield "strict"
    yield from (named(tool.hosted) for tool in conversation.tools if tool.hosted is not None)


def _lost(part: Part, vocabulary: Vocabulary) -> str | None:
    match part:
        case VendorPart():
            return named(part.name)
        case Thinking(state=None) if not vocabulary.thinking:
            return "thinking"
        case Media() if not vocabulary.knows_media(part):
            return part.kind
    return None


def named(what: object) -> str:
    """Return the name under which the loss of this field, part or tool is reported."""
    name = _DATE.sub("", what) if isinstance(what, str) else OTHER
    name = _THOUGHTS.get(name, name)
    return name if name in KNOWN else OTHER
