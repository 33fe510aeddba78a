"""Complaints about thinking: its effort, what it excludes, and what has to be sent back."""

from typing import Final

from coderouter_proxy.config.traits import EFFORTS
from coderouter_proxy.providers import complaints
from coderouter_proxy.providers.wordings.adaptation import OFF, ON, QUOTE, Adaptation, always, words

_LEVEL = rf"[\s,|/'\"`\[\]]*(?:or|and)?[\s,|/'\"`\[\]]*\b(?:{'|'.join(EFFORTS)})\b"

EFFORT: Final = (
    # DeepSeek: "thinking options type cannot be disabled when reasoning_effort is set" (anthropics/claude-code#65863);
    # Anthropic: "output_config.effort 'high' is not supported when thinking is disabled" (anthropics/claude-code#87126)
    Adaptation(
        id="effort-without-thinking",
        recognised="an effort is refused where thinking is off",
        pattern=words(
            r"thinking.{0,40}cannot be disabled when reasoning_effort is set",
            r"effort.{0,20}is not supported when thinking is disabled",
        ),
        trait="efforts",
        value=always(()),
        remembered=False,
    ),
    Adaptation(
        id="effort-levels",
        recognised="a level of reasoning effort is refused, and others are named",
        pattern=words(
            # OpenAI: "Unsupported value: 'reasoning_effort' does not support null with this model. Supported values
            # are: 'none', 'low', …" (livekit/agents#3966), and Kimi Code in the same words (Kilo-Org/cloud#3807);
            # Mistral (mistralai/mistral-vibe#1117); SGLang, Kimi (router-for-me/CLIProxyAPI#1572 #1307); Cerebras:
            # "reasoning_effort Input should be 'low', 'medium' or 'high'" (egoist/chatwise-releases#1325)
            r"reasoning[_. ]?effort.{0,160}?(?:supported values are|expected one of|must be one of|should be)"
            rf":?({_LEVEL}(?:{_LEVEL})*)(?!{QUOTE} or {QUOTE}default)",
            # CLIProxyAPI (nguyenphutrong/quotio#287); Anthropic: "Supported levels: …" (BerriAI/litellm#27223)
            rf"(?:valid|supported) levels:({_LEVEL}(?:{_LEVEL})*)",
            # Ollama (ollama/ollama#17859 #17331)
            rf"invalid think value.{{0,40}}must be({_LEVEL}(?:{_LEVEL})*)",
        ),
        trait="efforts",
        value=complaints.efforts,
    ),
    # Anthropic: "This model does not support the effort parameter" (Oaklight/llm-rosetta#289); Ollama: "think value
    # \"medium\" is not supported for this model" (ollama/ollama#12561)
    Adaptation(
        id="no-effort",
        recognised="there is no effort",
        pattern=words(
            r"does(?: not|n't) support (?:the )?(?:reasoning )?effort parameter",
            rf"think value {QUOTE}\w+{QUOTE} is not supported",
        ),
        trait="efforts",
        value=always(()),
    ),
    Adaptation(
        id="no-thinking-field",
        recognised="`thinking`, or its type, is refused",
        pattern=words(
            # Anthropic: "adaptive thinking is not supported on this model" (vellum-ai/vellum-assistant#37276),
            # "\"thinking.type.enabled\" is not supported for this model" (jetbrains-cc-gui#1003)
            r"thinking(?:\.type\.\w+)?\"? is not supported",
            # Ollama: "gemma3n does not support thinking" (CherryHQ/cherry-studio#18744)
            r"does(?: not|n't) support thinking\b",
            # servers on FastAPI: "body.thinking.type: Input should be 'enabled' or 'disabled'" (jundot/omlx#56)
            r"thinking\.type: Input should be",
            # Bedrock: "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags"
            # (strands-agents/harness-sdk#1856)
            r"thinking: Input tag '\w+' found",
        ),
        trait="refused_fields",
        value=always(("thinking",)),
    ),
)

CALLS: Final = (
    # Anthropic: "Thinking may not be enabled when tool_choice forces tool use." (can1357/oh-my-pi#341)
    Adaptation(
        id="tool-choice-with-thinking",
        recognised="a tool may not be forced while thinking is on",
        pattern=words(r"thinking may not be enabled when tool_choice forces"),
        trait="forced_tool_choice",
        value=OFF,
        remembered=False,
    ),
    Adaptation(
        id="forced-tool-choice",
        recognised="`tool_choice` may not require a call",
        pattern=words(
            # DeepSeek: "Thinking mode does not support this tool_choice" (deepseek-ai/DeepSeek-V3#1376)
            rf"does(?: not|n't) support (?:this |the )?{QUOTE}tool_choice",
            # DashScope (cloudwego/eino#994)
            r"tool_choice parameter does not support being set to required",
            # OpenRouter, 404: "No endpoints found that support the provided 'tool_choice' value"
            # (zed-industries/zed#36094)
            r"support the provided 'tool_choice' value",
            # Kimi: "tool_choice 'required' is incompatible with thinking enabled" (suyiiyii/AutoGLM-GUI#396)
            r"tool_choice\b.{0,40}(?:is )?(?:not supported|unsupported|incompatible)",
        ),
        trait="forced_tool_choice",
        value=OFF,
    ),
    # DeepSeek: "The reasoning_content in the thinking mode must be passed back to the API."
    # (Alishahryar1/free-claude-code#152), earlier "Missing `reasoning_content` field in the assistant message"
    # (zed-industries/zed#44301); Kimi: "thinking is enabled but reasoning_content is missing in assistant tool call
    # message" (MoonshotAI/kimi-agent-sdk#169)
    Adaptation(
        id="reasoning-returned",
        recognised="`reasoning_content` has to come back",
        pattern=words(
            r"reasoning_content\b.{0,40}\bmust be passed back",
            r"reasoning_content`? (?:field )?is missing",
            r"missing `?reasoning_content",
        ),
        trait="returns_reasoning",
        value=ON,
    ),
    # Gemini 3: "Function call is missing a thought_signature in functionCall parts." (QwenLM/qwen-code#1187)
    Adaptation(
        id="thought-signature",
        recognised="a call has to come back with its `thought_signature`",
        pattern=words(r"missing a `?thought_signature"),
        trait="thought_signatures",
        value=ON,
    ),
)
