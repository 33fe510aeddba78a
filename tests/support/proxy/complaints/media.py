"""About images and documents."""

from support.proxy.complaints.complaint import Complaint

MEDIA: list[Complaint] = [
    (
        "no-images",
        "DeepSeek",
        400,
        "Failed to deserialize the JSON body: unknown variant `image_url`, expected `text`",
        False,
    ),
    ("no-images", "Ollama", 400, "this model does not support image input", False),
    (
        "no-images",
        "llama.cpp",
        500,
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        False,
    ),
    ("no-images", "OpenRouter", 404, "No endpoints found that support image input", False),
    (
        "no-documents",
        "DashScope",
        400,
        "Invalid value: file. Supported values are: 'text','image_url','video_url' and 'video'.",
        False,
    ),
    ("no-images", "LM Studio", 400, ("Model does not support images. Please use a model that does."), False),
    ("no-images", "vLLM", 400, ("At most 0 image(s) may be provided in one request."), False),
    ("no-images", "vLLM", 400, ("internlm/Intern-S1 is not a multimodal model"), False),
    (
        "no-images",
        "Groq",
        400,
        (
            "'messages.0' : for 'role:system' the following must be satisfied[('messages.0.content' : value must "
            "be a string)]"
        ),
        False,
    ),
    (
        "no-documents",
        "DeepSeek",
        400,
        (
            "Failed to deserialize the JSON body into the target type: messages[3]: unknown variant `file`, "
            "expected `text`"
        ),
        False,
    ),
    (
        "no-documents",
        "OpenAI",
        400,
        ("Invalid Value: 'file'. This model does not support file content types."),
        False,
    ),
    ("no-documents", "OpenRouter", 404, ("No endpoints found that support file input"), False),
    ("no-documents", "vLLM", 400, ("Unsupported content part type 'file'"), False),
    ("no-documents", "xAI", 400, ("File content is not supported"), False),
]
