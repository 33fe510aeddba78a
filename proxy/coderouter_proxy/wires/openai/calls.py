"""Tool calls of servers that deviate from OpenAI: which call a piece belongs to, and what it adds to it."""

from collections.abc import Iterator

from coderouter_proxy.request import Body
from coderouter_proxy.wires import tool_names
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.json_text import JsonText
from coderouter_proxy.wires.json_values import words, written

_DIGITS_MAX = 10


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
        given, function = words(piece.get("id")), named(piece)
        name, arguments = tool_names.called(function.get("name")), function.get("arguments")
        text = arguments if isinstance(arguments, str) else _written(arguments)
        index = _number(piece.get("index"))
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

    def _call_of(self, index: int | None, given: str, name: str, text: str) -> Call:
        """Return the call that a piece continues, or the new one that it begins."""
        known = self._at.get(index) if index is not None else self._by_id.get(given) or self._newest
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
        is_certain = index is not None or (given and given == known.given_id)
        if is_certain and not others_id and known.arguments.is_repeated_by(text):
            return known
        new = self._new(index, given)
        new.name = known.name if known.may_begin_again else ""
        return new

    def _new(self, index: int | None, given: str) -> Call:
        unique = given and given not in self._by_id
        call = Call(given, given if unique else new_id("call_"))
        self._all.append(call)
        self._by_id[given or call.id] = call
        if index is not None:
            self._at[index] = call
        return call


def named(piece: Body) -> Body:
    """Return what has the name and the arguments: some servers have no object for them."""
    function = piece.get("function")
    return function if isinstance(function, dict) else piece


def _number(index: object) -> int | None:
    """Return the index of a call, which some servers write as a text or with a decimal point."""
    if isinstance(index, float) and index.is_integer():
        return int(index)
    if isinstance(index, str) and index.isdecimal():
        return int(index) if len(index) < _DIGITS_MAX else None
    return index if isinstance(index, int) else None


def _written(arguments: object) -> str:
    """Return the text of arguments that a server sends as an object.

    Raises:
        ProviderError: they are nested too deeply to be written.
    """
    return written(arguments, retryable=True) if arguments else ""
