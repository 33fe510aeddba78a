"""Complaints about messages: their roles, their order, and the ids of calls."""

from typing import Final

from coderouter_proxy.providers import complaints
from coderouter_proxy.providers.wordings.adaptation import ON, QUOTE, Adaptation, always, words

MESSAGES: Final = (
    Adaptation(
        id="system-first",
        recognised="a system message must be the first, or the only one",
        pattern=words(
            # Qwen's templates on vLLM (vllm-project/vllm#41114), llama.cpp (ggml-org/llama.cpp#20733), SGLang,
            # LM Studio, Ollama
            r"system (?:message|prompt|role)s? (?:must|should|can only|may only)\b.{0,30}\b(?:beginning|first|start)",
            # Anyscale: "Only one system message can be specified." (getappmap/appmap-js#1860); Baidu Qianfan: "Multiple
            # system messages are not supported" (langchain4j/langchain4j#1444)
            r"(?:only one|multiple) system messages?",
        ),
        trait="system_text",
        value=complaints.stricter,
    ),
    Adaptation(
        id="no-system-role",
        recognised="there is no system role",
        pattern=words(
            # Gemma on vLLM, TGI, llama.cpp, mistral.rs: "System role not supported" (EricLBuehler/mistral.rs#506)
            r"system role (?:is )?not supported",
            # OpenAI's first reasoning models: "Unsupported value: 'messages[0].role' does not support 'system' with
            # this model." (tailcallhq/forgecode#1177); o1-mini says it of 'developer', too (QuantumNous/new-api#847)
            r"role' does not support '(?:system|developer)'",
            r"system messages are not allowed",  # ChatGPT's own backend (router-for-me/CLIProxyAPI#4092)
            # Ministral on llama.cpp (anomalyco/opencode#5034)
            r"only user\b.{0,30}\broles are supported",
            # Gemma on Gemini's API: "Developer instruction is not enabled for models/gemma-3-27b-it"
            # (0xPlaygrounds/rig#788)
            r"(?:developer|system) instruction is not enabled",
        ),
        trait="system_text",
        value=complaints.stricter,
    ),
    # Gemma and Mistral on vLLM (vllm-project/vllm#6862), TGI (huggingface/text-generation-inference#3198), llama.cpp
    # (anomalyco/opencode#5034)
    Adaptation(
        id="alternating-roles",
        recognised="user and assistant have to alternate",
        pattern=words(r"roles must alternate"),
        trait="alternating",
        value=ON,
    ),
    Adaptation(
        id="developer-role",
        recognised="the role `developer` is unknown",
        pattern=words(
            # DeepSeek: "unknown variant `developer`, expected one of `system`" (num-scope/pix#34)
            rf"unknown variant {QUOTE}developer",
            # DashScope: "developer is not one of ['system', 'assistant', 'user', …]" (proma-ai/Proma#1496)
            rf"developer{QUOTE} is not one of",
            # Volcengine: "invalid value: `developer`, supported values are" (agno-agi/agno#6697);
            # QuantumNous/new-api#5330
            rf"(?:invalid|unknown|unsupported|unexpected)(?: message)? (?:role|value):? {QUOTE}developer",
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
        pattern=words(r"tool call ids?\b.{0,200}\blength (?:of )?9\b"),
        trait="call_ids",
        value=always("nine"),
    ),
)
