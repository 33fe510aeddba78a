"""Calls as JSON objects, alone or between tags."""

from collections.abc import Sequence

from repair_corpus.formats.format import (
    Arguments,
    Call,
    Format,
    dumps,
    each,
    hermes,
    json_array,
    named,
    numbered,
    wrapped,
)

LLAMA = named("name", "parameters")


def _with_id(number: int, name: str, arguments: Arguments) -> str:
    return dumps({"name": name, "arguments": arguments, "id": f"call{number:05}"})


def _openai(number: int, name: str, arguments: Arguments) -> str:
    function = {"name": name, "arguments": dumps(arguments)}
    return dumps({"id": f"call_{number}", "type": "function", "function": function})


def _command_a(number: int, name: str, arguments: Arguments) -> str:
    return "    " + dumps({"tool_call_id": str(number), "tool_name": name, "parameters": arguments})


def _command_r(calls: Sequence[Call]) -> str:
    listed = [{"tool_name": name, "parameters": arguments} for name, arguments in calls]
    return f"Action: ```json\n{dumps(listed, 4)}\n```"


def _mcp(name: str, arguments: Arguments) -> str:
    return (
        f"<use_mcp_tool>\n<server_name>local</server_name>\n<tool_name>{name}</tool_name>\n"
        f"<arguments>\n{dumps(arguments, 2)}\n</arguments>\n</use_mcp_tool>"
    )


def _tool_use(name: str, arguments: Arguments) -> str:
    return dumps({"type": "tool_use", "id": "toolu_01", "name": name, "input": arguments})


def _react(name: str, arguments: Arguments) -> str:
    return f"Action: {name}\nAction Input: {dumps(arguments)}"


def _react_bold(name: str, arguments: Arguments) -> str:
    return f"**Action:** `{name}`\n**Action Input:** {dumps(arguments)}"


def _structured_chat(name: str, arguments: Arguments) -> str:
    return f"Action:\n```json\n{dumps({'action': name, 'action_input': arguments}, 2)}\n```"


def _fenced(info: str, calls: Sequence[Call], indent: int | None) -> str:
    one = named("name", "arguments", indent)
    return each(lambda *call: f"```{info}\n{one(*call)}\n```")(calls)


FORMATS = (
    # Tagged objects.
    Format(
        "hermes",
        "chat_template of Qwen 2.5, Qwen 3, Hermes 3, Granite 4, EXAONE 4, SmolLM 3",
        each(lambda *call: f"<tool_call>\n{hermes(*call)}\n</tool_call>"),
        is_common=True,
    ),
    Format(
        "hermes-inline",
        "Hermes 2 Pro, model card",
        each(lambda *call: f"<tool_call>{hermes(*call)}</tool_call>"),
    ),
    Format("qwen-tools-tag", "Qwen 2.5 Coder, known slip", wrapped("<tools>\n", hermes, "\n</tools>")),
    Format(
        "function_call-tag",
        "Gorilla and fine-tunes on it",
        each(lambda *call: f"<function_call>{hermes(*call)}</function_call>"),
    ),
    Format("granite-20b", "Granite 20B FC, model card", each(lambda *c: f"<function_call> {hermes(*c)}")),
    Format("granite3", "chat_template of Granite 3.0", lambda c: "<|tool_call|>" + json_array(hermes)(c)),
    Format("granite31", "chat_template of Granite 3.1", lambda c: "<tool_call>" + json_array(hermes)(c)),
    Format(
        "minimax-m1", "MiniMax M1, function call guide", wrapped("<tool_calls>\n", hermes, "\n</tool_calls>")
    ),
    Format(
        "jamba",
        "chat_template of Jamba 1.5",
        wrapped("<tool_calls>[\n  ", hermes, "\n]</tool_calls>", ",\n  "),
    ),
    Format(
        "hunyuan",
        "chat_template of Hunyuan A13B",
        wrapped("<tool_calls>[", hermes, "]</tool_calls>", ", "),
    ),
    Format(
        "apriel",
        "chat_template of Apriel 1.5",
        numbered("<tool_calls>[", _with_id, "]</tool_calls>", ", "),
    ),
    Format(
        "nemotron-nano2",
        "chat_template of Nemotron Nano v2, Llama Nemotron Super 1.5",
        wrapped("<TOOLCALL>[", hermes, "]</TOOLCALL>", ", "),
    ),
    Format(
        "longcat",
        "chat_template of LongCat Flash",
        each(lambda *call: f"<longcat_tool_call>\n{hermes(*call)}\n</longcat_tool_call>"),
    ),
    Format(
        "internlm2",
        "InternLM 2.5, chat format",
        each(lambda *call: f"<|action_start|><|plugin|>\n{LLAMA(*call)}<|action_end|>"),
    ),
    Format(
        "intern-s1",
        "Intern-S1, SGLang's description",
        each(lambda *call: f"<|action_start|> <|plugin|>\n{LLAMA(*call)}<|action_end|>"),
    ),
    Format("phi4-functools", "chat_template of Phi-4-mini", lambda c: "functools" + json_array(hermes)(c)),
    Format(
        "phi4-tool_calls",
        "Phi-4-mini, model card",
        wrapped("<|tool_calls|>[", hermes, "]<|/tool_calls|>", ", "),
    ),
    Format("gigachat3", "chat_template of GigaChat 3", each(lambda *c: f"<|function_call|>{hermes(*c)}")),
    Format(
        "gigachat3-role",
        "chat_template of GigaChat 3, 10B",
        each(lambda *call: f"function call<|role_sep|>\n{hermes(*call)}"),
    ),
    Format(
        "dots",
        "dots.llm1, vLLM's parser",
        each(lambda *call: f"<dots_function_call>\n{hermes(*call)}\n</dots_function_call>"),
    ),
    Format(
        "tool_use-tag",
        "small models without a template",
        each(lambda *call: f"<tool_use>\n{named('name', 'input')(*call)}\n</tool_use>"),
    ),
    Format(
        "tool-tag", "small models without a template", each(lambda *call: f"<tool>{hermes(*call)}</tool>")
    ),
    Format(
        "tool-call-tag",
        "small models without a template",
        each(lambda *call: f"<tool-call>\n{hermes(*call)}\n</tool-call>"),
    ),
    Format(
        "hyperclovax",
        "chat_template of HyperCLOVA X SEED Think",
        lambda calls: (
            "<|im_start|>assistant -> tool/function_call\n" + json_array(hermes)(calls) + "<|im_end|>"
        ),
    ),
    Format(
        "apertus",
        "chat_template of Apertus 2509",
        wrapped("<|tools_prefix|>[", lambda name, a: dumps({name: a}), "]<|tools_suffix|>", ", "),
    ),
    Format(
        "command-a",
        "chat_template of Command R7B, Command A",
        numbered("<|START_ACTION|>[\n", _command_a, "\n]<|END_ACTION|>", ",\n"),
    ),
    Format("command-r", "chat_template of Command R+", _command_r),
    Format(
        "llama3-python_tag",
        "Llama 3.1, prompt format",
        lambda calls: "<|python_tag|>" + each(LLAMA, "; ")(calls),
    ),
    Format("llama3-bare", "chat_template of Llama 3.2 and 3.3", each(LLAMA)),
    Format(
        "llama3-type",
        "Llama 3.1, custom tools",
        each(lambda name, a: dumps({"type": "function", "name": name, "parameters": a})),
    ),
    Format(
        "lfm2-json", "LFM2, known slip", wrapped("<|tool_call_start|>[", hermes, "]<|tool_call_end|>", ", ")
    ),
    Format("use_mcp_tool", "Cline, Roo, MiroThinker", each(_mcp)),
    # Bare objects.
    Format("bare-json", "small models without a template", each(hermes), is_common=True),
    Format("bare-json-indented", "small models without a template", each(named("name", "arguments", 2))),
    Format("xlam", "xLAM 2, model card", json_array(hermes)),
    Format("json-tool", "prompted agents", each(named("tool", "arguments"))),
    Format("json-tool_name", "prompted agents", each(named("tool_name", "parameters"))),
    Format("json-tool_input", "prompted agents", each(named("tool", "tool_input"))),
    Format("json-tool_args", "prompted agents", each(named("tool_name", "tool_args"))),
    Format(
        "json-tool_uses",
        "OpenAI's parallel tool use as text",
        wrapped(
            '{"tool_uses": [',
            lambda name, a: dumps({"recipient_name": f"functions.{name}", "parameters": a}),
            "]}",
            ", ",
        ),
    ),
    Format("json-function", "prompted agents", each(named("function", "parameters"))),
    Format("json-args", "Gemini as text", each(named("name", "args"))),
    Format("json-action", "LangChain's structured chat", each(named("action", "action_input"))),
    Format(
        "json-functionCall",
        "Gemini's API as text",
        each(lambda name, a: dumps({"functionCall": {"name": name, "args": a}})),
    ),
    Format("json-tool_use", "Anthropic's API as text", each(_tool_use)),
    Format("json-openai", "OpenAI's API as text", each(lambda name, a: _openai(0, name, a))),
    Format("json-tool_calls", "OpenAI's API as text", numbered('{"tool_calls": [', _openai, "]}", ", ")),
    Format(
        "json-function_call",
        "OpenAI's API of 2023 as text",
        each(lambda name, a: dumps({"function_call": {"name": name, "arguments": dumps(a)}})),
    ),
    # Objects in fences, and behind words.
    Format("fenced-json", "small models without a template", lambda c: _fenced("json", c, 2), is_common=True),
    Format("fenced-plain", "small models without a template", lambda c: _fenced("", c, None)),
    Format("fenced-tool_call", "small models without a template", lambda c: _fenced("tool_call", c, None)),
    Format("fenced-array", "small models", lambda c: f"```json\n{json_array(hermes)(c)}\n```"),
    Format("react", "LangChain's ReAct prompt", each(_react, "\n\n"), is_common=True),
    Format("react-structured", "LangChain's structured chat prompt", each(_structured_chat, "\n\n")),
    Format(
        "smolagents",
        "smolagents' tool-calling prompt",
        each(lambda *call: f"Action:\n{named('name', 'arguments', 2)(*call)}", "\n\n"),
    ),
    Format(
        "smolagents-end",
        "smolagents' tool-calling prompt",
        each(lambda *call: f"Action:\n{hermes(*call)}<end_code>", "\n\n"),
    ),
    Format("react-bold", "small models, known slip", each(_react_bold, "\n\n")),
    Format(
        "qwen2-agent",
        "Qwen-Agent, template of Qwen 2",
        each(lambda name, a: f"✿FUNCTION✿: {name}\n✿ARGS✿: {dumps(a)}"),
    ),
)
