"""Relay an answer between two wires: read it into deltas, edit those, write them on the client's wire."""

from coderouter_proxy.answer import NO_CHANGES, Changes, Usage
from coderouter_proxy.relay.keep_state import KeepState
from coderouter_proxy.relay.output_filters.filter import Thought
from coderouter_proxy.relay.text import Piece, Stages
from coderouter_proxy.request import Body
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.deltas import Arguments, Delta, Reader, Stop, Text, Thinking, ToolCall
from coderouter_proxy.wires.ids import new_id


class Translated:
    def __init__(
        self, reader: Reader, writer: AnswerWriter, stages: Stages, kept: KeepState, *, reasoning: bool
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._stages = stages
        self._kept = kept
        self._reasoning = reasoning
        self._begun = False
        self._stripped: tuple[str, ...] = ()

    def changes(self) -> Changes:
        stripped = Changes(stripped=self._stripped) if self._stripped else NO_CHANGES
        return self._stages.changes() + stripped

    def calls(self) -> int:
        return self._kept.calls

    def concerns(self, events: bytes) -> bool:
        return True

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        return self._beginning() + self._writer.write(self._edited(self._reader.read(chunk)))

    def comment(self, event: bytes) -> bytes:
        return b""

    def last(self, event: bytes) -> bytes:
        return b""

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        deltas, stop = self._last_deltas()
        return self._beginning() + self._writer.write(deltas) + self._writer.end(stop, usage)

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        deltas = self._edited(self._reader.read(decoded))
        last, stop = self._last_deltas()
        return self._writer.whole([*deltas, *last], stop, usage)

    def _beginning(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._writer.begin()

    def _edited(self, deltas: list[Delta]) -> list[Delta]:
        return self._passed(self._changed(deltas))

    def _changed(self, deltas: list[Delta]) -> list[Delta]:
        if not self._stages:
            return deltas
        changed: list[Delta] = []
        for delta in deltas:
            if isinstance(delta, Text):
                changed += _as_deltas(self._stages.feed(delta.text))
            else:
                changed += _as_deltas(self._stages.end())
                changed.append(delta)
        return changed

    def _passed(self, deltas: list[Delta]) -> list[Delta]:
        deltas = self._kept.read(deltas)
        return self._kept.identified(deltas if self._reasoning else self._without_reasoning(deltas))

    def _without_reasoning(self, deltas: list[Delta]) -> list[Delta]:
        kept: list[Delta] = [delta for delta in deltas if not isinstance(delta, Thinking)]
        if len(kept) != len(deltas):
            self._stripped = ("reasoning",)
        return kept

    def _last_deltas(self) -> tuple[list[Delta], Stop]:
        """Return what had to wait for the end of the answer, and how it ended."""
        deltas = [
            *self._edited(self._reader.end()),
            *self._passed(_as_deltas(self._stages.end())),
            *self._kept.end(),
        ]
        stop = self._reader.stop
        return deltas, Stop("tool_use", stop.sequence) if self._stages.changes().repaired else stop


def _as_deltas(pieces: list[Piece]) -> list[Delta]:
    deltas: list[Delta] = []
    for piece in pieces:
        if isinstance(piece, str):
            deltas.append(Text(piece))
        elif isinstance(piece, Thought):
            deltas.append(Thinking(piece.text))
        else:
            deltas += [ToolCall(new_id("call_"), piece.name), Arguments(piece.arguments)]
    return deltas
