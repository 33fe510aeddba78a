"""A state as it is committed: as a whole while it is small, else mostly what has changed."""

from typing import NamedTuple

from coderouter_exporter.state.state import State

WHOLE_BYTES_MAX = 1 << 16
"""A larger document is not written as a whole with each commit."""
CHANGES_SHARE_MAX = 0.5
"""Of the size of the whole one; with more changes, it is written again."""


class Document(NamedTuple):
    newest: bytes
    whole: bytes = b""
    """The document that `newest` has the changes of; empty if that is a whole one itself."""

    def decode(self) -> State:
        return State.decode(self.newest, self.whole)


class Encoder:
    """Encodes one state after the other; each is the one before with more counted, or `forget` was called."""

    def __init__(
        self, whole_bytes_max: int = WHOLE_BYTES_MAX, changes_share_max: float = CHANGES_SHARE_MAX
    ) -> None:
        self._whole_bytes_max = whole_bytes_max
        self._changes_share_max = changes_share_max
        self._whole = b""

    def encode(self, state: State) -> Document:
        if self._whole:
            changes = state.encode_changes()
            if len(changes) <= len(self._whole) * self._changes_share_max:
                return Document(changes, self._whole)
        document = state.encode()
        if len(document) <= self._whole_bytes_max:
            return Document(document)
        self._whole = document
        state.touched.clear()
        return Document(state.encode_changes(), document)

    def forget(self) -> None:
        """Encode the next state as a whole."""
        self._whole = b""
