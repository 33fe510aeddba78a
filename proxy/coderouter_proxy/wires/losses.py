"""What the events call a thing that a translation loses: a word of one of the wires, never one of a client's own."""

import re

OTHER = "other"
_DATE = re.compile(r"_\d{8}$")  # of the version of a tool that runs at Anthropic

_FIELDS = (
    "audio frequency_penalty logit_bias logprobs metadata min_p modalities n prediction presence_penalty"
    " prompt_cache_key prompt_cache_retention reasoning reasoning_effort repetition_penalty response_format"
    " safety_identifier seed service_tier store tool_choice top_logprobs verbosity web_search_options"
)
_PARTS = (
    "audio_url document file image input_audio video_url"
    " code_execution_tool_result compaction container_upload mcp_tool_result mcp_tool_use redacted_thinking"
    " server_tool_use thinking tool_reference tool_result tool_use web_fetch_tool_result web_search_tool_result"
)
_TOOLS = "bash code_execution computer custom mcp_toolset memory text_editor tool web_fetch web_search"
KNOWN = frozenset(f"{_FIELDS} {_PARTS} {_TOOLS}".split())


def named(what: object) -> str:
    """Return the name under which the loss of this field, part or tool is noted."""
    name = _DATE.sub("", what) if isinstance(what, str) else OTHER
    return name if name in KNOWN else OTHER
