"""The arguments of a tool call: JSON text in pieces, from servers that deviate from their wire."""

import json
import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_TOKEN: Final = re.compile(r'\\.?|"|[\x00-\x1f]', re.DOTALL)


class _Scan:
    """How far JSON text has come. Its methods are linear in what was fed, however it was cut."""

    def __init__(self) -> None:
        self.in_string = False
        self.skips = False  # the next character: a backslash came last
        self._depth = 0
        self._begun = False

    def feed(self, piece: str) -> None:
        text = (piece[1:] if self.skips else piece).replace("\\\\", "")
        self.skips = text.endswith("\\")
        parts = text.replace('\\"', "").split('"')
        outside = "".join(parts[1::2] if self.in_string else parts[::2])
        self.in_string ^= len(parts) % 2 == 0
        opened, closed = (outside.count(one) + outside.count(other) for one, other in ("{[", "}]"))
        self._depth += opened - closed
        self._begun = self._begun or bool(opened or closed) or len(parts) > 1

    @property
    def is_complete(self) -> bool:
        """Whether all that was opened has been closed."""
        return self._begun and self._depth <= 0 and not self.in_string


class JsonText:
    """JSON text in pieces. Its methods are linear in what was added, however it was cut.

    White space before it is left out, as is a `null`, which stands for no arguments at all. Line breaks and other
    control characters in strings are escaped. An object in a JSON string is taken out of it, once that has ended.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._chars = 0
        self._taken = 0
        self._scan = _Scan()
        self._scanned = 0  # pieces
        self._quoted: list[str] = []  # what has arrived of a string that may hold the text
        self._quotes = _Scan()

    def __bool__(self) -> bool:
        return bool(self._chars)

    def add(self, piece: str) -> None:
        """Add a piece; only the end of it, if it repeats all that was added before."""
        if not self._chars:
            piece = self._begun_with(piece)
        elif self.is_repeated_by(piece):
            piece = piece[self._chars :]
        if piece:
            if _CONTROL.search(piece):
                piece = self._escaped(piece)
            self._pieces.append(piece)
            self._chars += len(piece)

    def is_repeated_by(self, piece: str) -> bool:
        """Return whether the piece begins with the whole text.

        An object never continues with its own beginning, unless a parameter has a name like `{`.
        """
        return (
            len(piece) >= self._chars > 0
            and piece[0] == self._pieces[0][0] == "{"
            and piece.startswith("".join(self._pieces))
        )

    def take(self) -> str:
        """Return what was added since the last call."""
        new = self._pieces[self._taken :]
        self._taken = len(self._pieces)
        return new[0] if len(new) == 1 else "".join(new)

    def is_complete(self) -> bool:
        """Return whether all that was opened has been closed."""
        return self._scan_all().is_complete

    def _scan_all(self) -> _Scan:
        for piece in self._pieces[self._scanned :]:
            self._scan.feed(piece)
        self._scanned = len(self._pieces)
        return self._scan

    def _begun_with(self, piece: str) -> str:
        """Return what the text begins with; nothing until a string that may hold it has ended."""
        if not self._quoted:
            piece = piece.lstrip()
            if not piece.startswith('"'):
                return "" if piece.rstrip() == "null" else piece
        self._quoted.append(piece)
        self._quotes.feed(piece)
        if not self._quotes.is_complete:
            return ""
        quoted = "".join(self._quoted)
        self._quoted = []
        try:
            inner = json.loads(quoted, strict=False)
        except ValueError:
            return quoted
        return inner if isinstance(inner, str) and inner.lstrip().startswith("{") else quoted

    def _escaped(self, piece: str) -> str:
        """Return the piece with the control characters in strings as JSON has them."""
        scan = self._scan_all()
        in_string, skipped = scan.in_string, piece[:1] if scan.skips else ""

        def token(found: re.Match[str]) -> str:
            nonlocal in_string
            text = found[0]
            if text == '"':
                in_string = not in_string
            return json.dumps(text)[1:-1] if in_string and text[0] < " " else text

        return skipped + _TOKEN.sub(token, piece[len(skipped) :])
