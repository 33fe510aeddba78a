"""The model of a provider: it does the task, and counts requests and answers."""

from dataclasses import dataclass, field

from real_agents.providers.conversation import Refused, Usage
from real_agents.providers.kinds import Kind
from real_agents.providers.task import Task
from support.proxy.upstream import Received, Script, whole


@dataclass
class Model:
    """Answers the requests that the upstream server gets.

    `refused` are the messages of its refusals, `unknown` the requests that it has no endpoint for, and `results` the
    tool results in the newest request about the task.
    """

    kind: Kind
    task: Task
    answers: int = 0
    usage: Usage = field(default_factory=Usage)
    results: tuple[str, ...] = ()
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def __call__(self, received: Received) -> Script:
        wire = self.kind.wire
        path = received.path.partition("?")[0]
        if received.method != "POST" or not path.endswith(wire.path):
            self.unknown.append(f"{received.method} {path}")
            return whole(b"", 404)
        try:
            prompt = wire.read(received.json)
            self.kind.template(received.json)
        except Refused as refused:
            self.refused.append(str(refused))
            return wire.refusal(str(refused))
        if self.task.is_asked(prompt):
            self.results = self.task.results(prompt, self.results)
        # Each answer has numbers of its own, so that a sum that lacks one or has one twice differs.
        self.answers += 1
        usage = Usage(1000 + self.answers**3, 10 + self.answers**2, 500 + self.answers)
        self.usage += usage
        return wire.answer(f"answer-{self.answers}", prompt, self.task.reply(prompt), usage)

    def missing(self) -> list[str]:
        """Return which tool results did not come back as they should."""
        calls = self.task.calls
        if len(self.results) != len(calls):
            return [f"{len(self.results)} tool results came back, not {len(calls)}"]
        return [
            f"the result of {call.tool} is {result!r}, without {call.result!r}"
            for call, result in zip(calls, self.results, strict=True)
            if call.result not in result
        ]
