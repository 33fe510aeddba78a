"""Makes calls of the `os` module fail in this process, as a failing disk or an exhausted limit does."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

CALLS = ("stat", "lstat", "fstat", "open", "pread", "listdir", "readlink")


class OsFaults:
    """Which call fails, and how often still. `injected` makes it fail in its block only."""

    def __init__(self) -> None:
        self._call = ""
        self._error = 0
        self._left = 0

    @property
    def lasting(self) -> bool:
        """Whether the next calls fail too."""
        return self._left > 0

    def begin(self, call: str, error: int, times: int) -> None:
        self._call, self._error, self._left = call, error, times

    def end(self) -> None:
        self._left = 0

    @contextmanager
    def injected(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in CALLS:
                stack.enter_context(patch.object(os, name, self._failing(name, getattr(os, name))))
            yield

    def _failing(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            if name == self._call and self._left > 0:
                self._left -= 1
                raise OSError(self._error, os.strerror(self._error))
            return call(*arguments, **options)

        return called
