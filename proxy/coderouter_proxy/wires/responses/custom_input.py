"""The text of a custom tool's call, out of the JSON arguments that the model writes."""

import re

import orjson

from coderouter_proxy.wires.responses.tools import INPUT

_BEGINNING = re.compile(r'\s*\{\s*"' + INPUT + r'"\s*:\s*"')
_BEGINNING_CHARS_MAX = 64
_END = re.compile(r'(?<!\\)(?:\\\\)*(")')
# An escape that has not ended, or the first half of a pair.
_CUT = re.compile(
    r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?|\\(?:u[0-9a-fA-F]{0,3})?)\Z"
)


def custom_input(arguments: str) -> str:
    """Return the text; of arguments in another form, their only text, else all of them."""
    try:
        decoded = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    if isinstance(decoded, str):
        return decoded
    if isinstance(decoded, dict):
        texts = [value for value in (decoded.get(INPUT), *decoded.values()) if isinstance(value, str)]
        if isinstance(decoded.get(INPUT), str) or len(decoded) == len(texts) == 1:
            return texts[0]
    return arguments


class LiveInput:
    """Decodes the text while it arrives; of arguments in an unusual form, nothing until they are complete."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._waiting = ""
        self._state = "before"

    def feed(self, piece: str) -> str:
        """Return what this piece adds to the text."""
        if self._state == "over":
            return ""
        self._waiting += piece
        if self._state == "before" and not self._begins():
            return ""
        end = self._end()
        text, rest = self._waiting[:end], self._waiting[end:]
        if end == len(self._waiting) and (cut := _CUT.search(text[-12:])) is not None:
            at = len(text) - len(text[-12:]) + cut.start()
            text, rest = text[:at], text[at:]
        try:
            decoded: str = orjson.loads(f'"{text}"')
        except orjson.JSONDecodeError:
            self._state, self._waiting = "over", ""
            return ""
        self._waiting = rest
        if decoded:
            self.sent.append(decoded)
        return decoded

    def _begins(self) -> bool:
        found = _BEGINNING.match(self._waiting)
        if found is not None:
            self._state, self._waiting = "inside", self._waiting[found.end() :]
        elif len(self._waiting) > _BEGINNING_CHARS_MAX:
            self._state, self._waiting = "over", ""
        return found is not None

    def _end(self) -> int:
        found = _END.search(self._waiting)
        if found is None:
            return len(self._waiting)
        self._state = "over"
        return found.start(1)
