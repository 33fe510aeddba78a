"""Remove markers of the prompt format from an answer: the ends of turns and the headers of the next ones."""

from functools import cache
from typing import Final

from coderouter_proxy.relay.marks import ANYTHING, NAME, Marks
from coderouter_proxy.relay.output_filters.filter import Filtered
from coderouter_proxy.relay.output_filters.strip_marks import StripMarks
from coderouter_proxy.relay.output_filters.tool_call_xml import is_of_tool_call
from coderouter_proxy.relay.prose import Mark

_ROLES = ("assistant", "user", "system", "developer", "tool", "model", "ai")


def _headers(start: str, end: str = "") -> list[str]:
    """Return the header of a turn with and without a role, and with the line break that some write behind it."""
    return [start, *(f"{start}{role}{end}{line}" for role in _ROLES for line in ("", "\n"))]


STOP_MARKERS: Final = (
    # The special tokens of most families are names between these bars: <|im_end|>, <|endoftext|>, <|eot_id|>, <|user|>.
    f"<|{NAME}|>",
    f"<｜{NAME}｜>",  # noqa: RUF001 (DeepSeek and Hunyuan use the full-width bar)
    "<｜end of sentence｜>",  # noqa: RUF001
    "<｜begin of sentence｜>",  # noqa: RUF001
    f"[|{NAME}|]",  # EXAONE
    *_headers("<|im_start|>"),
    *_headers("<|start|>"),
    f"<|start_header_id|>{ANYTHING}<|end_header_id|>",  # Llama 3
    f"<|header_start|>{ANYTHING}<|header_end|>",  # Llama 4
    f"<|start_of_role|>{ANYTHING}<|end_of_role|>",  # Granite
    *(f"<|im_{role}|>{ANYTHING}<|im_middle|>" for role in ("assistant", "user", "system")),  # Kimi K2
    f"<|channel|>{ANYTHING}<|message|>",  # gpt-oss
    f"<|start|>{ANYTHING}<|channel|>{ANYTHING}<|message|>",
    f"<|start|>{ANYTHING}<|message|>",
    *(
        f"<|{side}|>{tag}{ANYTHING}<|sep|>"
        for side in ("open", "close")
        for tag in ("message", "think", "response")
    ),
    *_headers("<start_of_turn>"),  # Gemma
    "<end_of_turn>",
    *_headers("<|turn>"),  # Gemma 4
    "<turn|>",
    "<channel|>",
    "<|channel>",
    "<|channel>thought",
    "<|channel>thought\n",
    *_headers("]~b]"),  # MiniMax
    "]~!b[",
    "]!p~[",
    "[e~[",
    "[INST]",  # Mistral, Llama 2
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "<<SYS>>",
    "<</SYS>>",
    "[BOS]",  # Kimi K2
    "[EOS]",
    "[PAD]",
    "[gMASK]",  # GLM
    "[gMASK]<sop>",
    "<sop>",
    "<eop>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<longcat_s>",
    "</longcat_s>",
    "<seed:bos>",
    *(f"<seed:bos>{role}" for role in _ROLES),
    "<seed:eos>",
    "<end_of_utterance>",  # SmolVLM
    "<eoa>",  # InternLM
    f"[UNUSED_TOKEN_{NAME}]",
    f"<SPECIAL_{NAME}>",  # Nemotron
    f"<extra_id_{NAME}>",
    f"<reserved_{NAME}>",  # Baichuan
    "<fim_prefix>",  # StarCoder
    "<fim_middle>",
    "<fim_suffix>",
    "<file_sep>",
)
STRIKE, STRUCK = "<s>", "</s>"
"""In HTML these cross text out; the second one alone is the end of an answer."""


@cache
def _marks() -> Marks:
    return Marks([*STOP_MARKERS, STRIKE, STRUCK, f"{STRIKE}[INST]", f"{STRIKE} [INST]"])


class StripStopMarkers(StripMarks):
    """Removes `STOP_MARKERS`."""

    def __init__(self) -> None:
        super().__init__(_marks())
        self._struck = 0

    def end(self) -> Filtered:
        kept = super().end()
        self._struck = 0
        return kept

    def _is_text(self, mark: Mark) -> bool:
        if mark.mark == STRIKE:
            self._struck += 1
            return True
        if mark.mark == STRUCK:
            if self._struck:
                self._struck -= 1
                return True
            return mark.is_spoken_of
        return is_of_tool_call(mark) or (mark.is_spoken_of and not mark.mark.endswith("INST]"))
