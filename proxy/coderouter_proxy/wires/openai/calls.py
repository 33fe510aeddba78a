"""Tool calls of servers that deviate from OpenAI: which call a piece belongs to, and what it adds to it."""

from collections.abc import Iterator

from coderouter_proxy.request import Body
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.json_values import words, written


class JsonText:
    """JSON text in pieces. Its methods are linear in what was added, however it was cut."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._chars = 0
        self._taken = 0
        # Of the pieces that `is_complete` has scanned:
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._skips = False  # the next character: a backslash came last
        self._begun = False

    def __bool__(self) -> bool:
        return bool(self._chars)

    def add(self, piece: str) -> None:
        """Add a piece; only the end of it, if it repeats all that was added before."""
        if self.is_repeated_by(piece):
            piece = piece[self._chars :]
        if piece:
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
        for piece in self._pieces[self._scanned :]:
            self._scan(piece)
        self._scanned = len(self._pieces)
        return self._begun and self._depth <= 0 and not self._in_string

    def _scan(self, piece: str) -> None:
        text = (piece[1:] if self._skips else piece).replace("\\\\", "")
        self._skips = text.endswith("\\")
        parts = text.replace('\\"', "").split('"')
        outside = "".join(parts[1::2] if self._in_string else parts[::2])
        self._in_string ^= len(parts) % 2 == 0
        opened, closed = (outside.count(one) + outside.count(other) for one, other in ("{[", "}]"))
        self._depth += opened - closed
        self._begun = self._begun or bool(opened or closed) or len(parts) > 1


class Call:
    """A tool call in progress.

    `number` counts the calls of the answer that have begun; it is -1 before the name is known. The reader of an answer
    sets `over` when it passes on no more of the call. A call `may_begin_again` when its name came once more after all
    of its arguments: more arguments are those of another call.
    """

    __slots__ = ("arguments", "extra", "given_id", "id", "may_begin_again", "name", "number", "over")

    def __init__(self, given_id: str, call_id: str) -> None:
        self.given_id = given_id
        self.id = call_id
        self.name = ""
        self.arguments = JsonText()
        self.extra: Body | None = None
        self.number = -1
        self.over = False
        self.may_begin_again = False

    @property
    def begun(self) -> bool:
        return self.number >= 0


class Calls:
    """The calls of one answer, distinguished by index, by id, or else by their order."""

    def __init__(self) -> None:
        self.begun: list[Call] = []
        self._all: list[Call] = []
        self._at: dict[int, Call] = {}  # the newest of each index
        self._by_id: dict[str, Call] = {}
        self._newest: Call | None = None  # the one that the last piece belongs to

    def __iter__(self) -> Iterator[Call]:
        return iter(self._all)

    def read(self, piece: Body, *, whole: bool = False) -> Call:
        """Return the call that the piece belongs to, with what it adds; each `whole` piece is a call of its own."""
        given, name, text = words(piece.get("id")), "", ""
        if isinstance(function := piece.get("function"), dict):
            name, arguments = words(function.get("name")), function.get("arguments")
            text = arguments if isinstance(arguments, str) else _written(arguments)
        index = piece.get("index")
        call = self._new(index, given) if whole else self._call_of(index, given, name, text)
        self._newest = call
        call.name = call.name or name
        call.arguments.add(text)
        if call.extra is None and isinstance(extra := piece.get("extra_content"), dict):
            call.extra = extra
        return call

    def begin(self, call: Call) -> None:
        call.number = len(self.begun)
        self.begun.append(call)

    def _call_of(self, index: object, given: str, name: str, text: str) -> Call:
        """Return the call that a piece continues, or the new one that it begins."""
        known = self._at.get(index) if isinstance(index, int) else self._by_id.get(given) or self._newest
        if known is None:
            return self._new(index, given)
        if not (given or name or known.may_begin_again):
            return known
        others_id = bool(given and known.given_id) and given != known.given_id
        if name and (others_id or (known.name and name != known.name)):
            return self._new(index, given)  # some servers give every call index 0, or the same id
        if not (others_id or name or known.may_begin_again) or not known.arguments.is_complete():
            return known
        if not text.strip():
            known.may_begin_again = known.may_begin_again or bool(name)
            return known
        is_certain = isinstance(index, int) or (given and given == known.given_id)
        if is_certain and not others_id and known.arguments.is_repeated_by(text):
            return known
        new = self._new(index, given)
        new.name = known.name if known.may_begin_again else ""
        return new

    def _new(self, index: object, given: str) -> Call:
        unique = given and given not in self._by_id
        call = Call(given, given if unique else new_id("call_"))
        self._all.append(call)
        self._by_id[given or call.id] = call
        if isinstance(index, int):
            self._at[index] = call
        return call


def _written(arguments: object) -> str:
    """Return the text of arguments that a server sends as an object.

    Raises:
        ProviderError: they are nested too deeply to be written.
    """
    return written(arguments, retryable=True) if arguments else ""
