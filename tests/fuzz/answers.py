"""Answers to mutate: what each provider wire says when all is well, as the data of its events."""

import json
import random
from typing import Any

from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy import responses_answers as responses
from support.proxy.upstream import Script

Body = dict[str, Any]

Call = tuple[str, str, dict[str, Any]]

READ: Call = ("call_1", "read_file", {"path": "src/a.py", "limit": 20})
LIST: Call = ("call_2", "list_dir", {})
TEXTS = (
    "Hello there.",
    'Emoji 🦀, umlaut ä, quote " and backslash \\ in `code`.',
    "<think>Hm, what now?</think>Done.<|im_end|>",
    '<tool_call>\n{"name": "read_file", "arguments": {"path": "src/a.py"}}\n</tool_call>',
    "<function=read_file>\n<parameter=path>\nsrc/a.py\n</parameter>\n</function>",
    '```json\n{"name": "list_dir", "arguments": {}}\n```',
    "no opener</think> here, <0xE3><0x81><0x82> and </tool_call> left over",
)
PIECE_CHARS_MAX = 9


def _pieces(text: str, dice: random.Random) -> list[str]:
    size = dice.randint(1, PIECE_CHARS_MAX)
    return [text[start : start + size] for start in range(0, len(text), size)]


def _openai(dice: random.Random) -> Script:
    match dice.randrange(4):
        case 0:
            return openai.streamed_calling(READ, LIST)
        case 1:
            return openai.streamed_thoughtful("Let me think.", dice.choice(TEXTS))
        case _:
            return openai.streamed(*_pieces(dice.choice(TEXTS), dice))


def _anthropic(dice: random.Random) -> Script:
    match dice.randrange(4):
        case 0:
            return anthropic.streamed_calling(READ, LIST)
        case 1:
            return anthropic.streamed_thoughtful("Let me think.", dice.choice(TEXTS))
        case 2:
            return anthropic.streamed_blocks(
                anthropic.thinking("Hm."), anthropic.text("First."), anthropic.tool_use(*READ)
            )
        case _:
            return anthropic.streamed(*_pieces(dice.choice(TEXTS), dice))


def _responses(dice: random.Random) -> Script:
    match dice.randrange(4):
        case 0:
            return responses.streamed_calling(READ, LIST)
        case 1:
            return responses.streamed_thoughtful("Let me think.", dice.choice(TEXTS))
        case 2:
            items = [responses.reasoning("Hm."), responses.message("First."), responses.call(*READ)]
            return responses.streamed_items(*items)
        case _:
            return responses.streamed(*_pieces(dice.choice(TEXTS), dice))


def _responses_whole(dice: random.Random) -> Body:
    items = [
        responses.reasoning("Hm."),
        responses.message(dice.choice(TEXTS)),
        responses.call(*READ),
        responses.call(*LIST),
    ]
    return responses.response(*dice.sample(items, dice.randint(1, len(items))))


def _openai_whole(dice: random.Random) -> Body:
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
        for call_id, name, given in (READ, LIST)
    ]
    message: Body = {"role": "assistant", "content": dice.choice((*TEXTS, None))}
    if message["content"] is None or dice.random() < 0.3:
        message["tool_calls"] = calls
    if dice.random() < 0.3:
        message["reasoning_content"] = "Let me think."
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return openai.completion(choices=[choice])


def _anthropic_whole(dice: random.Random) -> Body:
    blocks = [
        anthropic.thinking("Hm."),
        anthropic.text(dice.choice(TEXTS)),
        anthropic.tool_use(*READ),
        anthropic.tool_use(*LIST),
    ]
    return anthropic.message(*dice.sample(blocks, dice.randint(1, len(blocks))))


STREAMS = {"openai": _openai, "anthropic": _anthropic, "responses": _responses}
WHOLE = {"openai": _openai_whole, "anthropic": _anthropic_whole, "responses": _responses_whole}


def events(wire: str, dice: random.Random) -> list[bytes]:
    """Return the events of a sound stream on this provider wire."""
    _, *framed = STREAMS[wire](dice)
    chunks = [step.split(b"\r\n", 1)[1][:-2] for step in framed if isinstance(step, bytes)]
    return [event + b"\n\n" for chunk in chunks for event in chunk.split(b"\n\n") if event]


def whole(wire: str, dice: random.Random) -> bytes:
    """Return the body of a sound whole answer on this provider wire."""
    return json.dumps(WHOLE[wire](dice), ensure_ascii=dice.random() < 0.5).encode()
