"""What every grammar reads: a call, or several in brackets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead, NotACall, TextualCall
from coderouter_proxy.relay.tool_calls.schema import Tools


@dataclass(frozen=True, slots=True)
class Unit:
    """Calls that were written as one."""

    calls: tuple[TextualCall, ...]
    then: "Reader | None" = None
    """Reads another call that directly follows without an opener of its own."""


Reader: TypeAlias = Callable[[Lookahead, Tools], Unit]


def unit(held: Lookahead, *calls: TextualCall | None, then: Reader | None = None) -> Unit:
    """Return the calls that were read.

    Raises:
        NotACall: there are none, or one cannot be.
    """
    found = tuple(call for call in calls if call)
    if not found or len(found) != len(calls):
        raise NotACall(held.at)
    return Unit(found, then)
