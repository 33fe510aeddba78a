"""Ids of what a provider left without one, or what the proxy itself writes."""

import secrets


def new_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(12)}"


class CallIds:
    """The ids of the calls of one answer: the vendors refuse a request in which two are the same."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._taken: set[str] = set()

    def of(self, given: str) -> str:
        """Return the id of a call that was given this one; a new one if it is empty or another call's."""
        call_id = new_id(self._prefix) if not given or given in self._taken else given
        self._taken.add(call_id)
        return call_id
