# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""The name outside the JSON object: DeepSeek, Kimi, Mistral, gpt-oss, Functionary."""

from collections.abc import Callable, Sequence

from repair_corpus.formats.format import Arguments, Call, Format, dumps, each, numbered, wrapped


def _deepseek_v3(name: str, arguments: Arguments) -> str:
    return f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{dumps(arguments)}\n```<｜tool▁call▁end｜>"


def _deepseek_v31(name: str, arguments: Arguments) -> str:
    return f"<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{dumps(arguments)}<｜tool▁call▁end｜>"


def _kimi_k2(number: int, name: str, arguments: Arguments) -> str:
    return (
        f"<|tool_call_begin|>functions.{name}:{number}"
        f"<|tool_call_argument_begin|>{dumps(arguments)}<|tool_call_end|>"
    )


def _kimi_spaced(number: int, name: str, arguments: Arguments) -> str:
    return (
        f"<|tool_call_begin|> functions.{name}:{number} <|tool_call_argument_begin|> "
        f"{dumps(arguments)} <|tool_call_end|>"
    )


def _deepseek_ascii(name: str, arguments: Arguments) -> str:
    return f"<|tool_call_begin|>function<|tool_sep|>{name}\n```json\n{dumps(arguments)}\n```<|tool_call_end|>"


def _mistral_id(number: int, name: str, arguments: Arguments) -> str:
    return f"[TOOL_CALLS]{name}[CALL_ID]{number:03}AbCdEf[ARGS]{dumps(arguments)}"


def _mistral_v3(number: int, name: str, arguments: Arguments) -> str:
    return dumps({"name": name, "arguments": arguments, "id": f"{number:03}AbCdEf"})


def _solar(number: int, name: str, arguments: Arguments) -> str:
    return (
        f"<|tool_call:begin|>{number:08x}<|tool_call:name|>{name}"
        f"<|tool_call:args|>{dumps(arguments)}<|tool_call:end|>"
    )


def _harmony(before: str, after: str, end: str = "<|call|>") -> Callable[[Sequence[Call]], str]:
    """Return a writer of harmony calls; each one after the first begins with its role."""

    def write(calls: Sequence[Call]) -> str:
        forms = [f"{before}functions.{name}{after}{dumps(arguments)}{end}" for name, arguments in calls]
        role = "" if before.startswith("<|start|>") else "<|start|>assistant"
        return role.join(forms)

    return write


HARMONY = "gpt-oss, harmony response format"

FORMATS = (
    Format(
        "deepseek-v3",
        "chat_template of DeepSeek V3 and R1",
        wrapped("<｜tool▁calls▁begin｜>", _deepseek_v3, "<｜tool▁calls▁end｜>"),
        is_common=True,
    ),
    Format(
        "deepseek-v31",
        "chat_template of DeepSeek V3.1",
        wrapped("<｜tool▁calls▁begin｜>", _deepseek_v31, "<｜tool▁calls▁end｜>", ""),
        is_common=True,
    ),
    Format(
        "kimi-k2",
        "chat_template of Kimi K2",
        numbered("<|tool_calls_section_begin|>", _kimi_k2, "<|tool_calls_section_end|>", ""),
        is_common=True,
    ),
    Format(
        "kimi-k2-spaced",
        "Kimi K2, tool call guidance",
        numbered("<|tool_calls_section_begin|>\n", _kimi_spaced, "\n<|tool_calls_section_end|>"),
    ),
    Format(
        "kimi-k2-section",
        "Kimi K2, vLLM's parser",
        numbered("<|tool_call_section_begin|>", _kimi_k2, "<|tool_call_section_end|>", ""),
    ),
    Format(
        "deepseek-ascii",
        "DeepSeek through servers that normalise bars",
        wrapped("<|tool_calls_begin|>", _deepseek_ascii, "<|tool_calls_end|>"),
    ),
    Format("glm4", "GLM 4, model card", each(lambda name, a: f"{name}\n{dumps(a)}")),
    Format(
        "mistral-stripped",
        "Mistral with special tokens dropped",
        each(lambda name, a: f"{name}{dumps(a)}"),
        without=frozenset({"none"}),
    ),
    Format("mistral-v3", "Mistral's tokenizer v3", numbered("[TOOL_CALLS] [", _mistral_v3, "]", ", ")),
    Format(
        "mistral-v7",
        "Mistral's tokenizer v7",
        wrapped("[TOOL_CALLS][", lambda name, a: dumps({"name": name, "arguments": a}), "]", ", "),
    ),
    Format(
        "mistral-named",
        "Mistral's tokenizer v11, arguments without a marker",
        each(lambda name, a: f"[TOOL_CALLS]{name}{dumps(a)}", ""),
    ),
    Format(
        "mistral-args",
        "Mistral's tokenizer v13: Devstral, Magistral, Mistral Small 3.2",
        each(lambda name, a: f"[TOOL_CALLS]{name}[ARGS]{dumps(a)}", ""),
        is_common=True,
    ),
    Format("mistral-call_id", "Mistral's tokenizer v11", numbered("", _mistral_id, "", "")),
    Format(
        "harmony",
        HARMONY,
        _harmony("<|channel|>commentary to=", " <|constrain|>json<|message|>"),
        is_common=True,
    ),
    Format(
        "harmony-start",
        HARMONY,
        _harmony("<|start|>assistant<|channel|>commentary to=", " <|constrain|>json<|message|>"),
    ),
    Format(
        "harmony-role",
        "chat_template of gpt-oss",
        _harmony("<|start|>assistant to=", "<|channel|>commentary json<|message|>"),
        is_common=True,
    ),
    Format("harmony-unconstrained", HARMONY, _harmony("<|channel|>commentary to=", "<|message|>")),
    Format("harmony-analysis", HARMONY, _harmony("<|channel|>analysis to=", " <|constrain|>json<|message|>")),
    Format(
        "harmony-tight",
        "gpt-oss, known slip",
        _harmony("<|channel|>commentary to=", "<|constrain|>json<|message|>"),
    ),
    Format(
        "harmony-stripped",
        "gpt-oss with special tokens dropped",
        each(lambda name, a: f"commentary to=functions.{name} json{dumps(a)}"),
    ),
    Format(
        "harmony-bare",
        "gpt-oss with special tokens dropped",
        each(lambda name, a: f"to=functions.{name} {dumps(a)}"),
    ),
    Format(
        "functionary-v31",
        "Functionary v3.1, Llama 3.1 custom functions",
        each(lambda name, a: f"<function={name}>{dumps(a)}</function>", ""),
    ),
    Format("functionary-v32", "Functionary v3.2", each(lambda name, a: f">>>{name}\n{dumps(a)}", "")),
    Format(
        "solar-open",
        "chat_template of Solar Open",
        numbered("<|tool_calls|>", _solar, "<|calls|>", ""),
    ),
    Format(
        "xml-json",
        "small models without a template",
        each(lambda name, a: f"<{name}>{dumps(a)}</{name}>"),
    ),
)
