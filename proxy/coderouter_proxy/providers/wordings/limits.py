"""Complaints about the limit of an answer: its name, and how large it may be."""

from typing import Final

from coderouter_proxy.providers import complaints
from coderouter_proxy.providers.wordings.adaptation import QUOTE, UNKNOWN_FIELD, Adaptation, always, words

LIMITS: Final = (
    # OpenAI's reasoning models, Azure, Copilot: "Unsupported parameter: 'max_tokens' is not supported with this model.
    # Use 'max_completion_tokens' instead." (microsoft/vscode-copilot-release#8012, anomalyco/opencode#37964)
    Adaptation(
        id="max-completion-tokens",
        recognised="`max_tokens` is refused in favour of `max_completion_tokens`",
        pattern=words(
            rf"use {QUOTE}max_completion_tokens{QUOTE} instead",
            rf"(?:unsupported|unknown) parameter: {QUOTE}max_tokens{QUOTE}",
        ),
        trait="max_tokens_field",
        value=always("max_completion_tokens"),
    ),
    # Mistral: "body.max_completion_tokens: Extra inputs are not permitted" (charmbracelet/crush#1590)
    Adaptation(
        id="max-tokens",
        recognised="`max_completion_tokens` is unknown",
        pattern=words(*UNKNOWN_FIELD),
        trait="max_tokens_field",
        value=complaints.old_name,
    ),
    Adaptation(
        id="output-limit",
        recognised="`max_tokens` is above the model's limit, which it names",
        pattern=words(
            # Groq, Cohere: "`max_tokens` must be less than or equal to `8192`" (Gitlawb/openclaude#331)
            rf"max(?:_completion|_output)?[_ ]tokens{QUOTE} must be less than or equal to {QUOTE}(\d+)",
            # OpenAI (algorithmicsuperintelligence/optillm#4)
            r"max(?:_completion)?_tokens is too large: \d+\. This model supports at most (\d+)",
            # DeepSeek: "the valid range of max_tokens is [1, 8192]" (deepseek-ai/DeepSeek-V3#69); DashScope: "Range of
            # max_tokens should be [1, 65536]" (NousResearch/hermes-agent#55546; Model Studio, "Error messages")
            r"range of max(?:_completion)?_tokens (?:is|should be) \[1, ?(\d+)\]",
            # Doubao: "integer above maximum value, expected a value <= 12288" (Gitlawb/openclaude#331)
            r"max(?:_completion)?_tokens.{0,120}expected a value <= (\d+)",
            # Anthropic: "max_tokens: 32000 > 4096, which is the maximum allowed number of output tokens for …"
            # (chathub-dev/chathub#1222, anthropics/claude-code#24451)
            r"max_tokens: \d+ > (\d+), which is the maximum",
            # Bedrock: "The maximum tokens you requested exceeds the model limit of 32768" (charmbracelet/crush#946;
            # "exceed" in RooCodeInc/Roo-Code#248)
            r"maximum tokens you requested exceeds? the model limit of (\d+)",
            # Gemini, Vertex: "maxOutputTokens value of 65536 but the supported range is from 1 (inclusive) to 65536
            # (exclusive)" (BerriAI/litellm#10548, stackblitz-labs/bolt.diy#955)
            r"OutputTokens.{0,60}range is from 1 \(inclusive\) to (?P<below>\d+) \(exclusive\)",
        ),
        trait="max_output_tokens",
        value=complaints.limit,
    ),
    Adaptation(
        id="no-room-for-answer",
        recognised="prompt and `max_tokens` together exceed the context, the prompt alone does not",
        pattern=words(
            # vLLM: "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length
            # is 32768 tokens and your request has 9000 input tokens" (farion1231/cc-switch#1022)
            r"is too large: \d+\. This model's maximum context length is (\d+) tokens and your request has (\d+) input",
            # OpenAI (gencay/vscode-chatgpt#184), DeepSeek (musistudio/claude-code-router#895)
            r"maximum context length is (\d+) tokens\. However, you requested \d+ tokens \((\d+) in the messages,",
        ),
        trait="max_output_tokens",
        value=complaints.room,
        remembered=False,
    ),
)
