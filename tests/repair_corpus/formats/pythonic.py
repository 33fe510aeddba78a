"""Calls as Python, and Gemma's own notation."""

from collections.abc import Callable, Sequence

from repair_corpus.formats.format import Arguments, Call, Format, dumps, each, wrapped

# A dash is no part of a name in Python.
DASHED = frozenset({"nested"})


def _python(name: str, arguments: Arguments) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _json_values(name: str, arguments: Arguments) -> str:
    """Double quotes and JSON's literals, as OLMo writes them."""
    return f"{name}({', '.join(f'{key}={dumps(value)}' for key, value in arguments.items())})"


def _tool_code(calls: Sequence[Call], before: str = "", after: str = "") -> str:
    lines = "\n".join(f"{before}{_python(*call)}{after}" for call in calls)
    return f"```tool_code\n{lines}\n```"


def _gemma(quote: str) -> Callable[[str, Arguments], str]:
    def value(given: object) -> str:
        if isinstance(given, str):
            return f"{quote}{given}{quote}"
        if isinstance(given, dict):
            return "{" + pairs(given) + "}"
        if isinstance(given, list):
            return f"[{','.join(map(value, given))}]"
        return dumps(given)

    def pairs(given: Arguments) -> str:
        return ",".join(f"{key}:{value(part)}" for key, part in sorted(given.items()))

    return lambda name, arguments: f"call:{name}{{{pairs(arguments)}}}"


GEMMA4 = _gemma('<|"|>')
FUNCTIONGEMMA = _gemma("<escape>")

FORMATS = (
    Format(
        "pythonic",
        "Llama 3.2 and Llama 4, ToolACE",
        wrapped("[", _python, "]", ", "),
        is_common=True,
        without=DASHED,
    ),
    Format(
        "llama4-python_start",
        "chat_template of Llama 4",
        wrapped("<|python_start|>[", _python, "]<|python_end|>", ", "),
    ),
    Format(
        "lfm2",
        "chat_template of LFM2",
        wrapped("<|tool_call_start|>[", _python, "]<|tool_call_end|>", ", "),
        is_common=True,
        without=DASHED,
    ),
    Format(
        "llama31-method",
        "Llama 3.1, prompt format of its built-in tools",
        each(lambda name, a: f"<|python_tag|>{_python(f'{name}.call', a)}"),
    ),
    Format(
        "minicpm3",
        "chat_template of MiniCPM 3",
        wrapped("<|tool_call_start|>\n```python\n", _python, "\n```\n<|tool_call_end|>"),
    ),
    Format(
        "lfm2-double",
        "LFM2, documentation of Liquid AI",
        wrapped("<|tool_call_start|>[", _json_values, "]<|tool_call_end|>", ", "),
    ),
    Format(
        "olmo3",
        "chat_template of OLMo 3",
        wrapped("<function_calls>\n", _json_values, "\n</function_calls>"),
    ),
    Format(
        "olmo3-tight",
        "OLMo 3, vLLM's parser",
        wrapped("<function_calls>", _python, "</function_calls>"),
    ),
    Format("tool_code", "Gemma 3, prompt of Google", _tool_code, is_common=True, without=DASHED),
    Format("tool_code-print", "Gemma 3, prompt of Google", lambda calls: _tool_code(calls, "print(", ")")),
    Format(
        "tool_code-default_api",
        "Gemini 2, known slip",
        lambda calls: _tool_code(calls, "print(default_api.", ")"),
    ),
    Format(
        "gemma4",
        "chat_template of Gemma 4",
        each(lambda *call: f"<|tool_call>{GEMMA4(*call)}<tool_call|>", ""),
        is_common=True,
    ),
    Format(
        "functiongemma",
        "chat_template of FunctionGemma",
        each(lambda *call: f"<start_function_call>{FUNCTIONGEMMA(*call)}<end_function_call>", ""),
    ),
)
