"""The text of a custom tool's call, out of the JSON arguments that the model writes."""

import json
import re
from typing import Any

import orjson

from coderouter_proxy.wires.responses.tools import INPUT

_BEGINNING = re.compile(r'\s*\{\s*"' + INPUT + r'"\s*:\s*"')
_BEGINNING_CHARS_MAX = 64
_END = re.compile(r'(?<!\\)(?:\\\\)*(")')
# An escape that has not ended, or the first half of a pair of surrogates.
_ESCAPE = r"\\(?:u[0-9a-fA-F]{0,3})?"
_CUT = re.compile(rf"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{{2}}(?:{_ESCAPE})?|{_ESCAPE})\Z")
_HALF = re.compile(r"[\ud800-\udfff]")


def custom_input(arguments: str) -> str:
    """Return the text; of arguments in another form, their only text, else all of them."""
    try:
        # Models write line breaks as they are, too, which only this decoder accepts.
        decoded: Any = json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        return arguments
    values = list(decoded.values()) if isinstance(decoded, dict) else [decoded]
    named = decoded.get(INPUT) if isinstance(decoded, dict) else None
    text = named if isinstance(named, str) else values[0] if len(values) == 1 else None
    return text if isinstance(text, str) and not _HALF.search(text) else arguments


class LiveInput:
    """Decodes the text while it arrives; of arguments in an unusual form, nothing until they are complete."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._waiting = ""
        self._inside = False
        self._over = False

    def feed(self, piece: str) -> str:
        """Return what this piece adds to the text."""
        if self._over:
            return ""
        self._waiting += piece
        if not self._inside and not self._begins():
            return ""
        end = _END.search(self._waiting)
        cut = None if end else _CUT.search(self._waiting)
        at = end.start(1) if end else cut.start(1) if cut else len(self._waiting)
        text, self._waiting = self._waiting[:at], self._waiting[at:]
        try:
            decoded: str = orjson.loads(f'"{text}"')
        except orjson.JSONDecodeError:
            self._over = True
            return ""
        self._over = end is not None
        self.sent.append(decoded)
        return decoded

    def _begins(self) -> bool:
        found = _BEGINNING.match(self._waiting)
        if found is not None:
            self._inside = True
            self._waiting = self._waiting[found.end() :]
        self._over = found is None and len(self._waiting) > _BEGINNING_CHARS_MAX
        return found is not None
