"""The sender of a request."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from coderouter_events.closed_sets import Agent, RequestClass
from coderouter_proxy.senders import agents, hints


class Sender(NamedTuple):
    """The agent, and what it reports of the request; `agent_type` is the kind of subagent in the agent's own words."""

    agent: Agent = "other"
    request_class: RequestClass | None = None
    agent_type: str | None = None

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes]) -> Self:
        """Return the sender of a request with these headers, whose names are in lower case."""
        request_class, agent_type = hints.of(headers)
        return cls(agents.of(headers), request_class, agent_type)
