"""Markup that belongs to a model's prompt format, not to its answer: what encloses thinking, and the answer after it.

Source: the chat templates of the model families, and what servers parse of their models.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ThinkingTag:
    """Text between `opener` and the next of `closers` is thinking.

    `is_word`: the tag is a word that XML in an answer may contain, so it only counts at the start of a line.
    """

    opener: str
    closers: tuple[str, ...]
    is_word: bool = False


HARMONY: Final = ThinkingTag("<|channel|>analysis<|message|>", ("<|end|>", "<|start|>", "<|channel|>"))
"""Of gpt-oss; the last two closers are the start of something else."""

THINKING: Final = (
    # DeepSeek, Qwen, GLM, Kimi K2, MiniMax M2, Hunyuan, ERNIE, EXAONE 4, Granite 4, Nemotron, Step, OLMo, GigaChat,
    # LFM 2.5, Phi-4-reasoning
    ThinkingTag("<think>", ("</think>",)),
    ThinkingTag("<thinking>", ("</thinking>",)),
    ThinkingTag("<antthinking>", ("</antthinking>",)),
    ThinkingTag("<thought>", ("</thought>",), is_word=True),  # EXAONE Deep
    ThinkingTag("<reasoning>", ("</reasoning>",), is_word=True),
    ThinkingTag("<reflection>", ("</reflection>",), is_word=True),
    ThinkingTag("<scratch_pad>", ("</scratch_pad>",), is_word=True),  # Hermes
    ThinkingTag("<scratchpad>", ("</scratchpad>",), is_word=True),
    ThinkingTag("<think:opensource>", ("</think:opensource>",)),  # Hunyuan 4
    ThinkingTag("<mm:think>", ("</mm:think>",)),  # MiniMax M3
    ThinkingTag("<seed:think>", ("</seed:think>",)),
    ThinkingTag("<seed:cot_budget_reflect>", ("</seed:cot_budget_reflect>",)),
    ThinkingTag("<longcat_think>", ("</longcat_think>",)),
    ThinkingTag("<ifm|think>", ("</ifm|think>",)),  # K2 Horizon
    ThinkingTag("<ifm|think_fast>", ("</ifm|think_fast>",)),
    ThinkingTag("<ifm|think_faster>", ("</ifm|think_faster>",)),
    ThinkingTag("[THINK]", ("[/THINK]",)),  # Mistral
    ThinkingTag("◁think▷", ("◁/think▷",)),  # Kimi 1.5 and VL
    ThinkingTag("<|channel>thought", ("<channel|>",)),  # Gemma 4
    HARMONY,
    ThinkingTag("<|START_THINKING|>", ("<|END_THINKING|>",)),  # Command A
    ThinkingTag("<|inner_prefix|>", ("<|inner_suffix|>",)),  # Apertus
    ThinkingTag("<|think|>", ("<|end|>",)),  # Solar Open
    ThinkingTag("<|think:start|>", ("<|think:end|>",)),  # Solar Open 2
    ThinkingTag("<|plamo:begin_think:plamo|>", ("<|plamo:end_think:plamo|>",)),
    ThinkingTag("<|open|>think<|sep|>", ("<|close|>think<|sep|>",)),  # Kimi K3
    ThinkingTag("<|begin_of_thought|>", ("<|end_of_thought|>",)),  # Sky-T1, OpenThoughts
    ThinkingTag("<start_working_out>", ("<end_working_out>",)),  # fine-tunes of Gemma
)


@dataclass(frozen=True, slots=True)
class AnswerTag:
    """What some families put around the answer that follows thinking.

    `is_word`: the tag is a word that XML in an answer may contain, so it only counts right behind thinking.
    """

    opener: str
    closer: str
    is_word: bool = False


ANSWER: Final = (
    AnswerTag("<response>", "</response>", is_word=True),  # Granite, ERNIE
    AnswerTag("<answer>", "</answer>", is_word=True),  # Hunyuan
    AnswerTag("<SOLUTION>", "</SOLUTION>", is_word=True),  # fine-tunes of Gemma
    AnswerTag("<|START_RESPONSE|>", "<|END_RESPONSE|>"),  # Command A
    AnswerTag("<|START_TEXT|>", "<|END_TEXT|>"),
    AnswerTag("[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"),  # Apriel
    AnswerTag("<|begin_of_solution|>", "<|end_of_solution|>"),
    AnswerTag("<|open|>response<|sep|>", "<|close|>response<|sep|>"),  # Kimi K3
    AnswerTag("<|begin|>assistant<|content|>", "<|end|>"),  # Solar Open
)

PREFILLED: Final = (
    ("", "[BEGIN FINAL RESPONSE]"),  # Apriel
    ("Here is my thought process:", "Here is my response:"),  # Granite 3.2
    ("analysis", "assistantfinal"),  # gpt-oss behind a server that drops special tokens
)
"""Where thinking ends that begins with the answer, apart from closers: what the text begins with, and the end."""
