"""What a refusal says is wrong, and the trait that says it: one table, by which the proxy learns what providers accept.

Each row names public reports of its words. A row never takes a word of a server into an event: only numbers, levels of
effort, and names of fields that were in the request.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from coderouter_events.events import AdaptationReason, TraitName
from coderouter_proxy.config.traits import EFFORTS, ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import complaints

ADAPTATIONS_MAX = 3
"""How often one provider is tried again in one request."""

Value = str | int | bool | tuple[str, ...]

REFUSED_NAMES = ("refused_fields", "refused_schema_keywords")  # traits that grow, where others change


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """One complaint: the words it is known by, and the value that its trait needs then.

    `value` returns None where the words are about something else. A `last_resort` costs the answer so much that
    other providers are tried before it. What depends on the request, not on the provider, is not `remembered`.
    """

    id: AdaptationReason
    recognised: str
    pattern: re.Pattern[str]
    trait: TraitName
    value: Callable[[re.Match[str], ProviderTraits], Value | None]
    last_resort: bool = False
    remembered: bool = True


def recognised(
    error: ProviderError, traits: ProviderTraits, *, last_resort: bool
) -> Iterator[tuple[Adaptation, Value]]:
    """Yield what may help against the refusal, the most likely first; nothing that the traits have already.

    Templates fail with 500 in llama.cpp; OpenRouter answers 404 where no provider of a model takes a parameter.
    """
    if not error.about_request and error.status not in (404, 500):
        return
    for row in ADAPTATIONS:
        if row.last_resort and not last_resort:
            continue
        found = row.pattern.search(error.message)
        value = row.value(found, traits) if found is not None else None
        if value is not None and applied(traits, row.trait, value) != traits:
            yield row, value


def applied(traits: ProviderTraits, trait: str, value: Value) -> ProviderTraits:
    """Return the traits with this value; names are added to those that are refused already."""
    if trait in REFUSED_NAMES and isinstance(value, tuple):
        known: tuple[str, ...] = getattr(traits, trait)
        value = (*known, *(name for name in value if name not in known))
    changed: Any = {trait: value}  # of the type that the trait has, by the table
    return replace(traits, **changed)


def shown(value: Value) -> str:
    """Return the value as it is in an event: names separated by commas, words of YAML for the rest."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def parsed(trait: str, text: str) -> Value:
    """Return the value that `shown` made this of."""
    if trait in (*REFUSED_NAMES, "efforts"):
        return tuple(text.split(", ")) if text else ()
    if trait == "max_output_tokens":
        return int(text)
    return text == "true" if text in ("true", "false") else text


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE | re.DOTALL)


def _always(value: Value) -> Callable[[re.Match[str], ProviderTraits], Value]:
    return lambda _match, _traits: value


_ON = _always(value=True)
_OFF = _always(value=False)


_QUOTE = "['\"`]?"
_LEVEL = rf"[\s,|/'\"`\[\]]*(?:or|and)?[\s,|/'\"`\[\]]*\b(?:{'|'.join(EFFORTS)})\b"
_PATH = r"([A-Za-z_][\w.\[\]-]*)"
_UNKNOWN_FIELD = (
    rf"{_PATH}: Extra inputs are not permitted",  # Mistral (crush#1590), Anthropic (claude-code#14135), Copilot
    rf"#/{_PATH}: Extra inputs",  # Azure AI (microsoft/semantic-kernel#10510)
    rf"Extra inputs are not permitted, field: '{_PATH}'",  # Fireworks (Flowise#2866)
    rf"'loc': \('body', '{_PATH}'\), 'msg': 'Extra inputs",  # vLLM (gpustack#429)
    rf"property '{_PATH}' is unsupported",  # Groq (fanenr/chatbot#21, janhq/jan#8136), Cerebras
    rf"(?:unsupported|unknown|unrecognized) (?:request )?(?:parameter|argument|field)s?(?: supplied)?: {_QUOTE}{_PATH}",
    rf"unknown field {_QUOTE}{_PATH}{_QUOTE}",  # Go: Databricks (databricks-sdk-py#1263)
    rf"(?:argument|parameter) not supported on this model: {_QUOTE}{_PATH}",  # xAI (crush#386)
    rf"does not support (?:the )?parameter {_QUOTE}{_PATH}",  # xAI
    rf"{_QUOTE}(reasoning_effort){_QUOTE} must be one of {_QUOTE}none{_QUOTE} or {_QUOTE}default",  # Groq's Qwen
    r'Unknown name "(\w+)"(?! at \'?(?:request\.)?tools)',  # Gemini (SkyrimNet-GamePlugin#77)
)

ADAPTATIONS: tuple[Adaptation, ...] = (
    # OpenAI's reasoning models, Azure, Copilot: "Unsupported parameter: 'max_tokens' is not supported with this model.
    # Use 'max_completion_tokens' instead." (microsoft/vscode-copilot-release#8012, anomalyco/opencode#37964)
    Adaptation(
        id="max-completion-tokens",
        recognised="`max_tokens` is refused in favour of `max_completion_tokens`",
        pattern=_words(
            rf"use {_QUOTE}max_completion_tokens{_QUOTE} instead",
            rf"(?:unsupported|unknown) parameter: {_QUOTE}max_tokens{_QUOTE}",
        ),
        trait="max_tokens_field",
        value=_always("max_completion_tokens"),
    ),
    # Mistral: "body.max_completion_tokens: Extra inputs are not permitted" (charmbracelet/crush#1590)
    Adaptation(
        id="max-tokens",
        recognised="`max_completion_tokens` is unknown",
        pattern=_words(*_UNKNOWN_FIELD),
        trait="max_tokens_field",
        value=complaints.old_name,
    ),
    Adaptation(
        id="output-limit",
        recognised="`max_tokens` is above the model's limit, which it names",
        pattern=_words(
            # Groq, Cohere: "`max_tokens` must be less than or equal to `8192`" (Gitlawb/openclaude#331)
            rf"max(?:_completion|_output)?[_ ]tokens{_QUOTE} must be less than or equal to {_QUOTE}(\d+)",
            # OpenAI (algorithmicsuperintelligence/optillm#4)
            r"max(?:_completion)?_tokens is too large: \d+\. This model supports at most (\d+)",
            # DeepSeek: "the valid range of max_tokens is [1, 8192]" (DeepSeek-V3#69); DashScope: "Range of … should be"
            r"range of max(?:_completion)?_tokens (?:is|should be) \[1, ?(\d+)\]",
            # Doubao: "integer above maximum value, expected a value <= 12288" (Gitlawb/openclaude#331)
            r"max(?:_completion)?_tokens.{0,120}expected a value <= (\d+)",
            # Anthropic: "max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens"
            r"max_tokens: \d+ > (\d+), which is the maximum",
            # Bedrock: "The maximum tokens you requested exceeds the model limit of 4096"
            r"maximum tokens you requested exceeds the model limit of (\d+)",
            # Gemini, Vertex: "maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65537
            # (exclusive)"
            r"OutputTokens.{0,60}range is from 1 \(inclusive\) to (?P<below>\d+) \(exclusive\)",
        ),
        trait="max_output_tokens",
        value=complaints.limit,
    ),
    Adaptation(
        id="no-room-for-answer",
        recognised="prompt and `max_tokens` together exceed the context, the prompt alone does not",
        pattern=_words(
            # vLLM: "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length
            # is 32768 tokens and your request has 9000 input tokens" (cc-switch#1022)
            r"is too large: \d+\. This model's maximum context length is (\d+) tokens and your request has (\d+) input",
            # OpenAI (gencay/vscode-chatgpt#184), DeepSeek (musistudio/claude-code-router#895)
            r"maximum context length is (\d+) tokens\. However, you requested \d+ tokens \((\d+) in the messages,",
        ),
        trait="max_output_tokens",
        value=complaints.room,
        remembered=False,
    ),
    # Qwen's templates on vLLM (vllm#41114), llama.cpp (ggml-org/llama.cpp#20733), SGLang, LM Studio, Ollama
    Adaptation(
        id="system-first",
        recognised="a system message must be the first, or the only one",
        pattern=_words(
            r"system (?:message|prompt|role)s? (?:must|should|can only|may only)\b.{0,30}\b(?:beginning|first|start)",
            r"(?:only (?:one|a single)|multiple|more than one) system (?:message|prompt)",
        ),
        trait="system_text",
        value=complaints.stricter,
    ),
    Adaptation(
        id="no-system-role",
        recognised="there is no system role",
        pattern=_words(
            # Gemma on vLLM, TGI, llama.cpp, mistral.rs: "System role not supported" (mistral.rs#506)
            r"system role (?:is )?not supported",
            r"does(?: not|n't) support (?:the )?(?:system|developer) (?:role|messages?|prompts?|instructions?)",
            # Ministral on llama.cpp (anomalyco/opencode#5034)
            r"only user\b.{0,30}\broles are supported",
            # Gemma on Gemini's API: "Developer instruction is not enabled for models/gemma-3-27b-it" (rig#788)
            r"(?:developer|system) instruction is not enabled",
        ),
        trait="system_text",
        value=complaints.stricter,
    ),
    # Gemma and Mistral on vLLM (vllm#6862), TGI (text-generation-inference#3198), llama.cpp (opencode#5034)
    Adaptation(
        id="alternating-roles",
        recognised="user and assistant have to alternate",
        pattern=_words(r"roles must alternate"),
        trait="alternating",
        value=_ON,
    ),
    Adaptation(
        id="developer-role",
        recognised="the role `developer` is unknown",
        pattern=_words(
            # DeepSeek: "unknown variant `developer`, expected one of `system`" (num-scope/pix#34)
            rf"unknown variant {_QUOTE}developer",
            # DashScope: "developer is not one of ['system', 'assistant', 'user', …]" (proma-ai/Proma#1496)
            rf"developer{_QUOTE} is not one of",
            # Volcengine: "invalid value: `developer`, supported values are" (agno-agi/agno#6697); new-api#5330
            rf"(?:invalid|unknown|unsupported|unexpected)(?: message)? (?:role|value):? {_QUOTE}developer",
            # templates: "Unexpected message role." (peonist-ai/halogen-flash-server#32)
            r"unexpected message role",
        ),
        trait="system_text",
        value=complaints.stricter,
    ),
    # Mistral (anomalyco/opencode#1680, jundot/omlx#1997) and its tokenizer in vLLM
    Adaptation(
        id="call-id-form",
        recognised="ids of tool calls must have nine letters or digits",
        pattern=_words(r"tool call ids?\b.{0,200}\blength (?:of )?9\b"),
        trait="call_ids",
        value=_always("nine"),
    ),
    Adaptation(
        id="beta-flag",
        recognised="a flag of the `anthropic-beta` header is refused",
        pattern=_words(
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
        pattern=_words(
            # Gemini (musistudio/claude-code-router#187 #562, zed-industries/zed#44875)
            r'Unknown name "([$\w]+)"(?P<place> at \'?(?:request\.)?tools)?',
            # OpenAI: "Invalid schema for function 'f': In context=(), 'allOf' is not permitted."
            r"invalid schema for function.{0,120}'(\w+)' is not permitted",
            # Anthropic: "input_schema does not support oneOf, allOf, or anyOf at the top level" (claude-code#5973)
            r"input_schema does not support ((?:oneOf|allOf|anyOf)[\w, ]*?) at the top level",
            # Cerebras: "Unsupported JSON schema fields: {'minItems', 'items'}" (claude-code-router#708 #338)
            r"unsupported JSON schema fields: ([{\[][^}\]]{1,200})",
            # llama.cpp's grammars: "Pattern must start with '^' and end with '$'" (ggml-org/llama.cpp#26930)
            r"(pattern) must start with '\^'",
        ),
        trait="refused_schema_keywords",
        value=complaints.keywords,
    ),
    # Azure (agno-agi/agno#1066), Azure AI's Mistral (litellm#11696); a row of its own, for the words vary
    Adaptation(
        id="stream-options",
        recognised="`stream_options` is not supported",
        pattern=_words(
            r"(?:unknown|unsupported|unrecognized)[^.]{0,60}stream_options",
            rf"stream_options\b[\w.]*{_QUOTE}:? ?(?:is |are |parameter )*"
            r"(?:not (?:supported|permitted|allowed)|unsupported|unknown|extra inputs)",
        ),
        trait="refused_fields",
        value=_always(("stream_options",)),
    ),
    # DeepSeek: "thinking options type cannot be disabled when reasoning_effort is set" (anthropics/claude-code#65863);
    # Anthropic: "output_config.effort 'high' is not supported when thinking is disabled" (anthropics/claude-code#87126)
    Adaptation(
        id="effort-without-thinking",
        recognised="an effort is refused where thinking is off",
        pattern=_words(
            r"thinking.{0,40}cannot be disabled when reasoning_effort is set",
            r"effort.{0,20}is not supported when thinking is disabled",
        ),
        trait="efforts",
        value=_always(()),
        remembered=False,
    ),
    Adaptation(
        id="effort-levels",
        recognised="a level of reasoning effort is refused, and others are named",
        pattern=_words(
            # OpenAI; Mistral (mistral-vibe#1117); SGLang (CLIProxyAPI#1572); Kimi (CLIProxyAPI#1307)
            r"reasoning[_. ]?effort.{0,160}?(?:supported values are|expected one of|must be one of|should be)"
            rf":?({_LEVEL}(?:{_LEVEL})*)(?!{_QUOTE} or {_QUOTE}default)",
            # CLIProxyAPI (nguyenphutrong/quotio#287); Anthropic: "Supported levels: …" (BerriAI/litellm#27223)
            rf"(?:valid|supported) levels:({_LEVEL}(?:{_LEVEL})*)",
            rf"invalid think value.{{0,40}}must be({_LEVEL}(?:{_LEVEL})*)",  # Ollama (ollama#17859 #17331)
        ),
        trait="efforts",
        value=complaints.efforts,
    ),
    # Anthropic: "This model does not support the effort parameter."; Ollama: "think value \"medium\" is not supported
    # for this model" (ollama#12561)
    Adaptation(
        id="no-effort",
        recognised="there is no effort",
        pattern=_words(
            r"does(?: not|n't) support (?:the )?(?:reasoning )?effort parameter",
            rf"think value {_QUOTE}\w+{_QUOTE} is not supported",
        ),
        trait="efforts",
        value=_always(()),
    ),
    # Anthropic: "adaptive thinking is not supported on this model", "\"thinking.type.enabled\" is not supported for
    # this model" (jetbrains-cc-gui#1003); Ollama: "gemma3n does not support thinking" (CherryHQ/cherry-studio#18744)
    Adaptation(
        id="no-thinking-field",
        recognised="`thinking`, or its type, is refused",
        pattern=_words(
            r"thinking(?:\.type\.\w+)?\"? is not supported",
            r"does(?: not|n't) support thinking\b",
            r"thinking\.type: Input should be",
        ),
        trait="refused_fields",
        value=_always(("thinking",)),
    ),
    # Claude 4.1 and later: "`temperature` and `top_p` cannot both be specified for this model" (CLIProxyAPI#193,
    # QwenLM/qwen-code#1216)
    Adaptation(
        id="temperature-with-top-p",
        recognised="`temperature` and `top_p` may not be together",
        pattern=_words(
            r"temperature.{0,12}\btop_p.{0,30}\bcannot both", r"only one of.{0,12}temperature.{0,12}top_p"
        ),
        trait="temperature_with_top_p",
        value=_OFF,
    ),
    Adaptation(
        id="sampling-value",
        recognised="only the default of `temperature` or another sampling field is taken",
        pattern=_words(
            # OpenAI, Azure (QwenLM/qwen-code#921, gabrii/Cursor-Azure-GPT-5#33)
            r"unsupported value: '(temperature|top_p|presence_penalty|frequency_penalty|n)' does not support",
            # Anthropic: "`temperature` is deprecated for this model." (expectedparrot/edsl#2458)
            rf"{_QUOTE}\b(temperature|top_p|top_k){_QUOTE} is deprecated for this model",
            # Kimi: "invalid temperature: only 1 is allowed for this model" (BerriAI/litellm#29687)
            r"invalid (temperature|top_p): only \S+ is allowed",
        ),
        trait="refused_fields",
        value=complaints.fields,
    ),
    # Anthropic: "Thinking may not be enabled when tool_choice forces tool use." (can1357/oh-my-pi#341)
    Adaptation(
        id="tool-choice-with-thinking",
        recognised="a tool may not be forced while thinking is on",
        pattern=_words(r"thinking may not be enabled when tool_choice forces"),
        trait="forced_tool_choice",
        value=_OFF,
        remembered=False,
    ),
    Adaptation(
        id="forced-tool-choice",
        recognised="`tool_choice` may not require a call",
        pattern=_words(
            # DeepSeek: "Thinking mode does not support this tool_choice" (deepseek-ai/DeepSeek-V3#1376)
            rf"does(?: not|n't) support (?:this |the )?{_QUOTE}tool_choice",
            # DashScope (cloudwego/eino#994)
            r"tool_choice parameter does not support being set to required",
            # OpenRouter, 404: "No endpoints found that support the provided 'tool_choice' value" (zed#36094)
            r"support the provided 'tool_choice' value",
            # Kimi: "tool_choice 'required' is incompatible with thinking enabled" (suyiiyii/AutoGLM-GUI#396)
            r"tool_choice\b.{0,40}(?:is )?(?:not supported|unsupported|incompatible)",
        ),
        trait="forced_tool_choice",
        value=_OFF,
    ),
    # DeepSeek: "The reasoning_content in the thinking mode must be passed back to the API." (free-claude-code#152);
    # Kimi: "thinking is enabled but reasoning_content is missing in assistant tool call message" (kimi-agent-sdk#169)
    Adaptation(
        id="reasoning-returned",
        recognised="`reasoning_content` has to come back",
        pattern=_words(
            r"reasoning_content\b.{0,40}\bmust be passed back",
            r"reasoning_content`? (?:field )?is missing",
            r"missing `?reasoning_content",
        ),
        trait="returns_reasoning",
        value=_ON,
    ),
    # Gemini 3: "Function call is missing a thought_signature in functionCall parts." (QwenLM/qwen-code#1187)
    Adaptation(
        id="thought-signature",
        recognised="a call has to come back with its `thought_signature`",
        pattern=_words(r"missing a `?thought_signature"),
        trait="thought_signatures",
        value=_ON,
    ),
    Adaptation(
        id="no-images",
        recognised="the model takes no images",
        pattern=_words(
            r"unknown variant `?image(?:_url)?\b",  # DeepSeek (musistudio/claude-code-router#1409)
            r"(?:does not|doesn't|not) support (?:image|vision)",  # Ollama (ollama#17301), LM Studio
            r"image(?:_url|s| input)* (?:is|are) not supported",  # llama.cpp, 500 (llama.cpp#15377)
            r"unsupported content part type: \"image_url",  # llama.cpp, 500 (llama.cpp#12947)
            r"no endpoints found that support image",  # OpenRouter, 404 (hermes-agent#23411)
            r"at most 0 image|is not a multimodal model",  # vLLM
            r"content\W{1,6}(?:value )?must be a string",  # Groq's text models
        ),
        trait="images",
        value=_OFF,
        last_resort=True,
    ),
    Adaptation(
        id="no-documents",
        recognised="the model takes no documents",
        pattern=_words(
            r"unknown variant `?(?:file|document|input_file)\b",  # DeepSeek
            r"invalid value: '?file\b",  # DashScope (QwenLM/qwen-code#1838)
            r"(?:document|pdf|file)s?(?: input| content| parts?| blocks?)? (?:is|are) not supported",
            r"(?:does not|doesn't|not) support (?:document|pdf|file)",
            r"no endpoints found that support file",  # OpenRouter, 404
        ),
        trait="documents",
        value=_OFF,
        last_resort=True,
    ),
    Adaptation(
        id="refused-field",
        recognised="a field is unknown or not supported",
        pattern=_words(*_UNKNOWN_FIELD),
        trait="refused_fields",
        value=complaints.fields,
    ),
)
BY_ID = {cast("str", row.id): row for row in ADAPTATIONS}
