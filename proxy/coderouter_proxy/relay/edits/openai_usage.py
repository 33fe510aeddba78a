"""Edits of the usage of chat completions: where clients of OpenAI look for it, and only if they requested it."""

from coderouter_proxy.answer import NO_CHANGES, NO_USAGE, Changes
from coderouter_proxy.request import Body
from coderouter_proxy.wires.openai.answer_writer import usage_body
from coderouter_proxy.wires.openai.usage import usage_in


class ShowUsage:
    """Adds the usage in OpenAI's place for servers that report it in another one."""

    def __init__(self) -> None:
        self._usage = NO_USAGE
        self._head: Body = {}
        self._in_its_place = False

    def changes(self) -> Changes:
        return NO_CHANGES

    def concerns(self, events: bytes) -> bool:
        return False  # every event with usage is parsed anyway

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        if chunk.get("usage"):
            self._in_its_place = True
        elif not self._in_its_place:
            self._usage = usage_in(chunk, self._usage)
            self._head = chunk
        return [chunk]

    def end(self) -> list[Body]:
        if self._in_its_place or not self._usage.is_known:
            return []
        head: Body = {
            name: self._head[name] for name in ("id", "object", "created", "model") if name in self._head
        }
        return [{**head, "choices": [], "usage": usage_body(self._usage)}]

    def whole(self, decoded: Body) -> Body:
        if decoded.get("usage"):
            return decoded
        usage = usage_in(decoded, NO_USAGE)
        return {**decoded, "usage": usage_body(usage)} if usage.is_known else decoded
