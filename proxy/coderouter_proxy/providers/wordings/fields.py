"""Complaints about fields of a request, values of sampling among them, and about keywords in the schemas of tools."""

from typing import Final

from coderouter_proxy.providers import complaints
from coderouter_proxy.providers.wordings.adaptation import (
    OFF,
    QUOTE,
    UNKNOWN_FIELD,
    Adaptation,
    always,
    words,
)

NAMED_FIELDS: Final = (
    Adaptation(
        id="beta-flag",
        recognised="a flag of the `anthropic-beta` header is refused",
        pattern=words(
            # Vertex (QuantumNous/new-api#2975)
            r"unexpected value\(s\) (.{1,400}?) for the `?anthropic-beta`? header",
            # Bedrock (router-for-me/CLIProxyAPI#4750, anthropics/claude-code#82549)
            r"invalid beta flag",
        ),
        trait="refused_fields",
        value=complaints.flags,
    ),
    Adaptation(
        id="schema-keyword",
        recognised="a keyword of JSON Schema in a tool is refused",
        pattern=words(
            # Gemini (musistudio/claude-code-router#187 #562, zed-industries/zed#44875)
            r'Unknown name "([$\w]+)"(?P<place> at \'?(?:request\.)?tools)?',
            # OpenAI: "Invalid schema for function 'f': In context=('properties', 'data'), 'allOf' is not permitted."
            # (makenotion/notion-mcp-server#102)
            r"invalid schema for function.{0,120}'(\w+)' is not permitted",
            # Anthropic: "input_schema does not support oneOf, allOf, or anyOf at the top level"
            # (anthropics/claude-code#5973)
            r"input_schema does not support ((?:oneOf|allOf|anyOf)[\w, ]*?) at the top level",
            # Cerebras: "Unsupported JSON schema fields: {'minItems', 'items'}" (musistudio/claude-code-router#708 #338)
            r"unsupported JSON schema fields: ([{\[][^}\]]{1,200})",
            # llama.cpp's grammars: "Pattern must start with '^' and end with '$'" (ggml-org/llama.cpp#26930)
            r"(pattern) must start with '\^'",
        ),
        trait="refused_schema_keywords",
        value=complaints.keywords,
    ),
    # Azure (agno-agi/agno#1066), Azure AI's Mistral (BerriAI/litellm#11696); a row of its own, for the words vary
    Adaptation(
        id="stream-options",
        recognised="`stream_options` is not supported",
        pattern=words(
            r"(?:unknown|unsupported|unrecognized)[^.]{0,60}stream_options",
            rf"stream_options\b[\w.]*{QUOTE}:? ?(?:is |are |parameter )*"
            r"(?:not (?:supported|permitted|allowed)|unsupported|unknown|extra inputs)",
        ),
        trait="refused_fields",
        value=always(("stream_options",)),
    ),
)

SAMPLING: Final = (
    # Claude 4.1 and later: "`temperature` and `top_p` cannot both be specified for this model"
    # (router-for-me/CLIProxyAPI#193, QwenLM/qwen-code#1216)
    Adaptation(
        id="temperature-with-top-p",
        recognised="`temperature` and `top_p` may not be together",
        pattern=words(r"temperature.{0,12}\btop_p.{0,30}\bcannot both"),
        trait="temperature_with_top_p",
        value=OFF,
    ),
    Adaptation(
        id="sampling-value",
        recognised="only the default of `temperature` or another sampling field is taken",
        pattern=words(
            # OpenAI, Azure (QwenLM/qwen-code#921, gabrii/Cursor-Azure-GPT-5#33)
            r"unsupported value: '(temperature|top_p|presence_penalty|frequency_penalty|n)' does not support",
            # Anthropic: "`temperature` is deprecated for this model." (expectedparrot/edsl#2458)
            rf"{QUOTE}\b(temperature|top_p|top_k){QUOTE} is deprecated for this model",
            # Kimi: "invalid temperature: only 1 is allowed for this model" (BerriAI/litellm#29687)
            r"invalid (temperature|top_p): only \S+ is allowed",
        ),
        trait="refused_fields",
        value=complaints.fields,
    ),
)

ANY_FIELD: Final = (
    Adaptation(
        id="refused-field",
        recognised="a field is unknown or not supported",
        pattern=words(*UNKNOWN_FIELD),
        trait="refused_fields",
        value=complaints.fields,
    ),
)
