# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""One tag for each parameter: Qwen Coder, GLM, MiniMax, DSML, Kimi K3, Cline and their kin."""

from collections.abc import Callable
from typing import Any

from repair_corpus.formats.format import (
    Arguments,
    Format,
    dumps,
    each,
    numbered,
    parameters,
    python_raw,
    raw,
    wrapped,
)

Value = Callable[[Any], str]
M3 = "]<]minimax[>["


def _function(edge: str, value: Value) -> Callable[[str, Arguments], str]:
    """Return a writer of `<function=…>` with `edge` around each value."""

    def write(name: str, arguments: Arguments) -> str:
        given = parameters(arguments, lambda k, v: f"<parameter={k}>{edge}{value(v)}{edge}</parameter>")
        return f"<function={name}>\n{given}</function>"

    return write


def _glm(tag: str, gap: str, between: str = "\n") -> Callable[[str, Arguments], str]:
    prefix = tag.partition("tool_call")[0]
    key, value = f"{prefix}arg_key", f"{prefix}arg_value"

    def write(name: str, arguments: Arguments) -> str:
        given = parameters(
            arguments, lambda k, v: f"<{key}>{k}</{key}>{gap}<{value}>{raw(v)}</{value}>", between, between
        )
        return f"<{tag}>{name}{between}{given}</{tag}>"

    return write


def _hunyuan3(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f"<arg_key>{k}</arg_key>\n<arg_value>{raw(v)}</arg_value>")
    return f"<tool_call>{name}<tool_sep>\n{given}</tool_call>"


def _hunyuan4(name: str, arguments: Arguments) -> str:
    def one(key: str, value: object) -> str:
        return (
            f"<arg_key:opensource>{key}</arg_key:opensource>"
            f"<arg_value:opensource>{raw(value)}</arg_value:opensource>"
        )

    return f"<tool_call:opensource>{name}{parameters(arguments, one, '', '')}</tool_call:opensource>"


def _invoke(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f'<parameter name="{k}">{raw(v)}</parameter>')
    return f'<invoke name="{name}">\n{given}</invoke>'


def _namespaced(space: str) -> Callable[[str, Arguments], str]:
    def write(name: str, arguments: Arguments) -> str:
        given = parameters(
            arguments, lambda k, v: f'<{space}parameter name="{k}">{raw(v)}</{space}parameter>'
        )
        return f'<{space}invoke name="{name}">\n{given}</{space}invoke>'

    return write


def _tool_call_parameters(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f"<parameter={k}>\n{raw(v)}\n</parameter>")
    return f"<tool_call>\n{name}\n{given}</tool_call>"


def _minimax_m3(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f"{M3}<{k}>{_m3_value(v)}{M3}</{k}>", "", "")
    return f'{M3}<invoke name="{name}">{given}{M3}</invoke>'


def _m3_value(value: object) -> str:
    """Objects and arrays are tags too; the entries of an array are called `item`."""
    if isinstance(value, dict):
        return "".join(f"{M3}<{key}>{_m3_value(part)}{M3}</{key}>" for key, part in value.items())
    if isinstance(value, list):
        return "".join(f"{M3}<item>{_m3_value(part)}{M3}</item>" for part in value)
    return raw(value)


def _anthropic_v1(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f"<{k}>{raw(v)}</{k}>")
    return f"<invoke>\n<tool_name>{name}</tool_name>\n<parameters>\n{given}</parameters>\n</invoke>"


def _dsml(bar: str, gap: str = "") -> Callable[[str, Arguments], str]:
    mark = f"{bar}DSML{bar}{gap}"

    def one(key: str, value: object) -> str:
        is_string = "true" if isinstance(value, str) else "false"
        return f'<{mark}parameter name="{key}" string="{is_string}">{raw(value)}</{mark}parameter>'

    def write(name: str, arguments: Arguments) -> str:
        return f'<{mark}invoke name="{name}">\n{parameters(arguments, one)}</{mark}invoke>'

    return write


def _step3(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f'<steptml:parameter name="{k}">{raw(v)}</steptml:parameter>')
    return (
        f'<｜tool_call_begin｜>function<｜tool_sep｜><steptml:invoke name="{name}">\n{given}'
        "</steptml:invoke><｜tool_call_end｜>"
    )


def _kimi_k3(number: int, name: str, arguments: Arguments) -> str:
    given = parameters(
        arguments,
        lambda k, v: (
            f'<|open|>argument key="{k}" type="{_k3_type(v)}"<|sep|>{raw(v)}<|close|>argument<|sep|>'
        ),
        "",
        "",
    )
    return f'<|open|>call tool="{name}" index="{number + 1}"<|sep|>{given}<|close|>call<|sep|>'


def _k3_type(value: object) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _kimi_k3_json(number: int, name: str, arguments: Arguments) -> str:
    return (
        f'<|open|>call tool="{name}" index="{number + 1}"<|sep|>'
        f'<|open|>json type="object"<|sep|>{dumps(arguments)}<|close|>json<|sep|><|close|>call<|sep|>'
    )


def _cline(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f"<{k}>{raw(v)}</{k}>")
    return f"<{name}>\n{given}</{name}>"


def _cline_multiline(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f"<{k}>\n{raw(v)}\n</{k}>")
    return f"<{name}>\n{given}</{name}>"


def _attributes(name: str, arguments: Arguments) -> str:
    given = "".join(f' {key}="{raw(value)}"' for key, value in arguments.items())
    return f"<{name}{given}/>"


def _minicpm5(name: str, arguments: Arguments) -> str:
    given = parameters(arguments, lambda k, v: f'<param name="{k}">{_cdata(raw(v))}</param>', "", "")
    return f'<function name="{name}">{given}</function>'


def _cdata(text: str) -> str:
    return f"<![CDATA[{text}]]>" if {*text} & {*"<&\n"} else text


ANTHROPIC = "antml:"
QWEN = "chat_template of Qwen3-Coder"
QWEN3_CODER = _function("\n", python_raw)
QWEN35 = _function("\n", raw)
TIGHT = _function("", raw)
K3 = ("<|open|>tools<|sep|>", "<|close|>tools<|sep|>", "")

FORMATS = (
    Format(
        "qwen3-coder",
        QWEN,
        each(lambda *call: f"<tool_call>\n{QWEN3_CODER(*call)}\n</tool_call>"),
        is_common=True,
    ),
    Format(
        "qwen35",
        "chat_template of Qwen 3.5, 3.6, Nemotron 3, Step 3.5",
        each(lambda *call: f"<tool_call>\n{QWEN35(*call)}\n</tool_call>"),
        is_common=True,
    ),
    Format("qwen3-coder-bare", "Qwen3-Coder, known slip", each(QWEN35), is_common=True),
    Format(
        "qwen3-coder-tight",
        "Qwen3-Coder, known slip",
        each(lambda *call: f"<tool_call>{TIGHT(*call)}</tool_call>"),
    ),
    Format(
        "qwen3-coder-tail",
        "Qwen3-Coder, known slip: only the end of the wrapper",
        each(lambda *call: f"{QWEN35(*call)}\n</tool_call>"),
    ),
    Format(
        "seed",
        "chat_template of Seed-OSS",
        each(lambda *call: f"<seed:tool_call>\n{TIGHT(*call)}\n</seed:tool_call>"),
        is_common=True,
    ),
    Format("glm45", "chat_template of GLM 4.5, 4.6", each(_glm("tool_call", "\n")), is_common=True),
    Format("glm47", "chat_template of GLM 4.7, 5", each(_glm("tool_call", "", "")), is_common=True),
    Format("longcat-args", "LongCat Flash Thinking", each(_glm("longcat_tool_call", "\n"))),
    Format("hunyuan-v3", "Hunyuan 3, vLLM's parser", wrapped("<tool_calls>\n", _hunyuan3, "\n</tool_calls>")),
    Format(
        "hunyuan-v4",
        "Hunyuan 4, SGLang's tests",
        wrapped("<tool_calls:opensource>", _hunyuan4, "</tool_calls:opensource>", ""),
    ),
    Format(
        "tool_call-name",
        "small models, mixture of forms",
        each(lambda name, a: f'<tool_call name="{name}">\n{dumps(a)}\n</tool_call>'),
    ),
    Format(
        "tool_call-parameters",
        "Qwen3-Coder, known slip: no tag of the function",
        each(_tool_call_parameters),
    ),
    Format(
        "minimax-m2",
        "chat_template of MiniMax M2",
        wrapped("<minimax:tool_call>\n", _invoke, "\n</minimax:tool_call>"),
        is_common=True,
    ),
    Format(
        "minimax-m3",
        "MiniMax M3, SGLang's parser",
        wrapped(f"{M3}<tool_call>\n", _minimax_m3, f"\n{M3}</tool_call>"),
        is_common=True,
        # Without a schema, its tags do not say whether 8 is a number.
        without=frozenset({"nested"}),
    ),
    Format(
        "anthropic-legacy",
        "Claude's prompt of 2024, cheap models that learned it",
        wrapped("<function_calls>\n", _invoke, "\n</function_calls>"),
        is_common=True,
    ),
    Format(
        "anthropic-namespace",
        "Claude, its own form",
        wrapped(f"<{ANTHROPIC}function_calls>\n", _namespaced(ANTHROPIC), f"\n</{ANTHROPIC}function_calls>"),
    ),
    Format("invoke-bare", "MiniMax M2, known slip", each(_invoke)),
    Format(
        "anthropic-v1",
        "Claude 2, function calling guide",
        wrapped("<function_calls>\n", _anthropic_v1, "\n</function_calls>"),
    ),
    Format(
        "dsml-v32",
        "encoding of DeepSeek V3.2",
        wrapped("<｜DSML｜function_calls>\n", _dsml("｜"), "\n</｜DSML｜function_calls>"),
        is_common=True,
    ),
    Format(
        "dsml-v4",
        "encoding of DeepSeek V4",
        wrapped("<｜DSML｜tool_calls>\n", _dsml("｜"), "\n</｜DSML｜tool_calls>"),
        is_common=True,
    ),
    Format(
        "dsml-v41",
        "encoding of DeepSeek V4.1",
        wrapped("<｜DSML｜ calls>\n", _dsml("｜", " "), "\n</｜DSML｜ calls>"),
    ),
    Format(
        "dsml-ascii",
        "DeepSeek V3.2 through servers that normalise bars",
        wrapped("<|DSML|function_calls>\n", _dsml("|"), "\n</|DSML|function_calls>"),
        is_common=True,
    ),
    Format(
        "dsml-v4-ascii",
        "DeepSeek V4 through servers that normalise bars",
        wrapped("<|DSML|tool_calls>\n", _dsml("|"), "\n</|DSML|tool_calls>"),
    ),
    Format(
        "step3",
        "Step 3, SGLang's parser",
        wrapped("<｜tool_calls_begin｜>\n", _step3, "\n<｜tool_calls_end｜>"),
    ),
    Format("kimi-k3", "chat_template of Kimi K3", numbered(K3[0], _kimi_k3, K3[1], K3[2]), is_common=True),
    Format("kimi-k3-json", "chat_template of Kimi K3", numbered(K3[0], _kimi_k3_json, K3[1], K3[2])),
    Format("cline", "system prompt of Cline and Roo Code", each(_cline, "\n\n"), is_common=True),
    Format("cline-multiline", "system prompt of Cline and Roo Code", each(_cline_multiline, "\n\n")),
    Format(
        "xml-attributes",
        "small models",
        each(_attributes),
        without=frozenset({"code", "typed", "two", "shell", "todos"}),
    ),
    Format("minicpm5", "chat_template of MiniCPM 5", each(_minicpm5)),
)
