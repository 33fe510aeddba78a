"""Writing an answer on a client's wire."""

from abc import ABC, abstractmethod

from coderouter_proxy.answer import Usage
from coderouter_proxy.wires.deltas import Delta, Stop


class AnswerWriter(ABC):
    """Writes one answer, delta by delta or at once, as events or a body of a client's wire."""

    shows_thinking: bool = False  # in blocks of their own, which the client returns with their signatures
    keeps_blocks: bool = False  # the client also returns blocks of redacted thinking

    @abstractmethod
    def begin(self) -> bytes: ...

    @abstractmethod
    def write(self, deltas: list[Delta]) -> bytes: ...

    @abstractmethod
    def end(self, stop: Stop, usage: Usage) -> bytes: ...

    @abstractmethod
    def whole(self, deltas: list[Delta], stop: Stop, usage: Usage) -> bytes:
        """Return the body of the complete answer."""
