# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""The table of syntaxes: what opens calls and what closes them. Sources: the chat templates of the families."""

from dataclasses import dataclass
from typing import Final

from coderouter_proxy.relay.tool_calls.lookahead import Literals
from coderouter_proxy.relay.tool_calls.syntaxes.bodies import read_action
from coderouter_proxy.relay.tool_calls.syntaxes.gemma import read_gemma
from coderouter_proxy.relay.tool_calls.syntaxes.harmony import read_harmony
from coderouter_proxy.relay.tool_calls.syntaxes.named import read_named
from coderouter_proxy.relay.tool_calls.syntaxes.nested import M3
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Reader


@dataclass(frozen=True, slots=True)
class Syntax:
    opener: str
    closer: str = ""
    """Dropped if it follows a call."""
    read: Reader | None = None
    """Reads what is behind the opener, if that is not what `bodies` reads."""


MARKS: Final = (
    Syntax("[TOOL_CALLS]", "[/TOOL_CALLS]"),  # Mistral
    Syntax("[TOOL_REQUEST]", "[END_TOOL_REQUEST]"),  # LM Studio
    Syntax("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),  # Kimi K2
    Syntax("<|tool_call_section_begin|>", "<|tool_call_section_end|>"),
    Syntax("<|tool_call_begin|>", "<|tool_call_end|>"),
    Syntax("<|tool_calls_begin|>", "<|tool_calls_end|>"),  # DeepSeek in ASCII
    Syntax("<|open|>tools<|sep|>", "<|close|>tools<|sep|>"),  # Kimi K3
    Syntax("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),  # DeepSeek V3, R1, V3.1
    Syntax("<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"),
    Syntax("<|tool▁calls▁begin|>", "<|tool▁calls▁end|>"),
    Syntax("<|tool▁call▁begin|>", "<|tool▁call▁end|>"),
    Syntax("<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"),  # Step 3
    Syntax("<｜tool_call_begin｜>", "<｜tool_call_end｜>"),
    *(
        Syntax(f"<{left}DSML{right}{calls}>", f"</{left}DSML{right}{calls}>")
        for left, right in (("｜", "｜"), ("｜｜", "｜｜"), ("|", "|"), ("｜", "|"), ("|", "｜"))
        for calls in ("function_calls", "tool_calls", " calls")  # DeepSeek V3.2, V4
    ),
    Syntax(f"{M3}<tool_call>", f"{M3}</tool_call>"),  # MiniMax M3
    Syntax("<|start|>", "<|call|>", read_harmony),  # gpt-oss
    Syntax("<|channel|>", "<|call|>", read_harmony),
    Syntax("<|python_tag|>", "<|eom_id|>"),  # Llama 3
    Syntax("<|python_start|>", "<|python_end|>"),  # Llama 4
    Syntax("<|tool_call_start|>", "<|tool_call_end|>"),  # LFM2
    Syntax("<|tool_call>", "<tool_call|>"),  # Gemma 4
    Syntax("<start_function_call>", "<end_function_call>"),  # FunctionGemma
    Syntax("<|START_ACTION|>", "<|END_ACTION|>"),  # Command R7B, Command A
    Syntax("<|tool_call|>", "<|/tool_call|>"),  # Granite 3
    Syntax("<|tool_calls|>", "<|/tool_calls|>"),  # Phi 4
    Syntax("<|function_call|>", "<|/function_call|>"),  # GigaChat
    Syntax("<|tool_call:begin|>", "<|tool_call:end|>"),  # Solar
    Syntax("<|tools_prefix|>", "<|tools_suffix|>"),  # Apertus
    Syntax("<|action_start|><|plugin|>", "<|action_end|>"),  # InternLM
    Syntax("<|action_start|> <|plugin|>", "<|action_end|>"),
    Syntax("<|im_start|>assistant -> tool/function_call", "<|im_end|>"),  # HyperCLOVA X
)
"""Tokens of their own: a model may write one anywhere."""

TAGS: Final = (
    Syntax("<tool_call>", "</tool_call>"),  # Qwen, Hermes, GLM and many others
    Syntax("<tool_calls>", "</tool_calls>"),  # MiniMax M1, Jamba, Hunyuan
    Syntax("<minimax:tool_call>", "</minimax:tool_call>"),  # MiniMax M2
    Syntax("<seed:tool_call>", "</seed:tool_call>"),
    Syntax("<longcat_tool_call>", "</longcat_tool_call>"),
    Syntax("<dots_function_call>", "</dots_function_call>"),
    Syntax("<tool_calls:opensource>", "</tool_calls:opensource>"),  # Hunyuan 4
    Syntax("<tool_call:opensource>", "</tool_call:opensource>"),
    Syntax("<function_calls>", "</function_calls>"),  # Anthropic until 2024, OLMo 3
    Syntax("<antml:function_calls>", "</antml:function_calls>"),
    Syntax("<atem:function_calls>", "</atem:function_calls>"),
    Syntax("<function_call>", "</function_call>"),
    Syntax("<functioncall>", "</functioncall>"),
    Syntax("<tools>", "</tools>"),
    Syntax("<tool_code>", "</tool_code>"),
    Syntax("<TOOLCALL>", "</TOOLCALL>"),  # Nemotron
    Syntax("<xlam_tool_call>", "</xlam_tool_call>"),
)
"""They count where a model writes them: at the beginning of a line, or right behind a word."""

LINES: Final = (
    Syntax("Action:", "", read_action),  # ReAct, Command R
    Syntax("**Action:**", "", read_action),
    Syntax("✿FUNCTION✿:", "", read_action),  # Qwen 2
    Syntax("functools", ""),  # Phi 4
    Syntax(">>>", "", read_named),  # Functionary v3.2
    Syntax("call:", "", read_gemma),
    Syntax("functions.", "", read_named),
    Syntax("function call<|role_sep|>", "<|message_sep|>"),  # GigaChat 3
    Syntax("to=", "", read_harmony),  # gpt-oss without its special tokens
    Syntax("commentary to=", "", read_harmony),
    Syntax("analysis to=", "", read_harmony),
    Syntax("assistant to=", "", read_harmony),
    Syntax("assistantcommentary to=", "", read_harmony),
    Syntax("assistant<|channel|>", "", read_harmony),
)
"""They only count at the beginning of a line."""

SYNTAXES: Final = {syntax.opener: syntax for syntax in (*MARKS, *TAGS, *LINES)}

ENDS: Final = (
    "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>", "<|return|>", "<|eot|>",
    "<｜end▁of▁sentence｜>", "<|end▁of▁sentence|>", "</s>", "<eos>", "<end_of_turn>", "<turn|>", "<|tool_response>",
    "<start_function_response>", "[e~[", "<|observation|>", "<|user|>", "<|END_OF_TURN_TOKEN|>", "<|END_RESPONSE|>",
    "<seed:eos>", "<|assistant_end|>", "<|end_of_role|>", "<|eos|>", "<|calls|>", "<|flush|>", "<|end_of_msg|>",
    "<|close|>message<|sep|>", "<end_code>",
)  # fmt: skip
"""Ends of a turn: they disappear with a call that they follow."""

CLOSERS: Final = Literals(
    [
        *(syntax.closer for syntax in SYNTAXES.values() if syntax.closer), *ENDS,
        "</function>", "</invoke>", "</｜DSML｜invoke>", "</|DSML|invoke>", f"{M3}</invoke>",
    ]
)  # fmt: skip
MARK_OPENERS: Final = Literals(syntax.opener for syntax in MARKS)
TAG_OPENERS: Final = Literals(syntax.opener for syntax in TAGS)
LINE_OPENERS: Final = Literals(syntax.opener for syntax in LINES)
OPENERS: Final = Literals(syntax.opener for syntax in (*MARKS, *TAGS))
