"""Markup that belongs to a model's prompt format, not to its answer: which tags enclose thinking."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ThinkingTag:
    """Text between `opener` and the next of `closers` is thinking."""

    opener: str
    closers: tuple[str, ...]


THINKING: Final = (
    ThinkingTag("<think>", ("</think>",)),  # DeepSeek R1, Qwen 3, GLM, MiniMax, Kimi
    ThinkingTag("<thinking>", ("</thinking>",)),
    ThinkingTag("<thought>", ("</thought>",)),
    ThinkingTag("<reasoning>", ("</reasoning>",)),
    ThinkingTag("<seed:think>", ("</seed:think>",)),
    ThinkingTag("[THINK]", ("[/THINK]",)),  # Mistral
    ThinkingTag("<|channel>thought", ("<channel|>",)),  # Gemma 4
    ThinkingTag("<|channel|>analysis<|message|>", ("<|end|>", "<|start|>", "<|channel|>")),  # gpt-oss
    ThinkingTag("<|START_THINKING|>", ("<|END_THINKING|>",)),  # Command A
)
