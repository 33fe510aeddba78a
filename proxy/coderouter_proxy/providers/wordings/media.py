"""Complaints about images and documents."""

from typing import Final

from coderouter_proxy.providers.wordings.adaptation import OFF, Adaptation, words

MEDIA: Final = (
    Adaptation(
        id="no-images",
        recognised="the model takes no images",
        pattern=words(
            r"unknown variant `?image(?:_url)?\b",  # DeepSeek's text models (musistudio/claude-code-router#1409)
            # Ollama (ollama/ollama#17301); LM Studio: "Model does not support images."
            # (lmstudio-ai/lmstudio-bug-tracker#362)
            r"(?:does not|doesn't|not) support (?:image|vision)",
            r"image(?:_url|s| input)* (?:is|are) not supported",  # llama.cpp, 500 (ggml-org/llama.cpp#15377)
            r"unsupported content part type: \"image_url",  # llama.cpp, 500 (ggml-org/llama.cpp#12947)
            r"no endpoints found that support image",  # OpenRouter, 404 (NousResearch/hermes-agent#23411)
            # vLLM: "At most 0 image(s) may be provided in one request" where its limit is 0 (the words:
            # vllm-project/vllm#13513), "… is not a multimodal model" (vllm-project/vllm#23402)
            r"at most 0 image|is not a multimodal model",
            # Groq's text models: "'messages.0.content' : value must be a string" (OpenHands/OpenHands#4643)
            r"content\W{1,6}(?:value )?must be a string",
        ),
        trait="images",
        value=OFF,
        last_resort=True,
    ),
    Adaptation(
        id="no-documents",
        recognised="the model takes no documents",
        pattern=words(
            r"unknown variant `?file\b",  # DeepSeek, as it says of images
            # DashScope: "Invalid value: file. Supported values are: 'text', …" (QwenLM/qwen-code#1838 #1888)
            r"invalid value: '?file\b",
            # OpenAI: "This model does not support file content types." (community.openai.com, "PDF file as text not
            # supported?", 2025)
            r"(?:does not|doesn't|not) support (?:document|pdf|file)",
            r"unsupported content part type '?file",  # vLLM, SGLang, llama.cpp (willdady/platypus#328)
            r"file content is not supported",  # xAI's chat completions
            r"no endpoints found that support file",  # OpenRouter, 404, as it says of images
        ),
        trait="documents",
        value=OFF,
        last_resort=True,
    ),
)
