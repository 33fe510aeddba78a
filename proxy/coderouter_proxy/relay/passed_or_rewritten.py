"""Pass an answer on if it is as its wire specifies it, or else write it again; its first chunk decides."""

from collections.abc import Callable

from coderouter_proxy.answer import Changes, Usage
from coderouter_proxy.relay.edited import Edited
from coderouter_proxy.relay.translated import Translated
from coderouter_proxy.request import Body


class PassedOrRewritten:
    def __init__(
        self, passed: Edited, rewritten: Callable[[], Translated], is_sound: Callable[[Body], bool]
    ) -> None:
        self._chosen: Edited | Translated = passed
        self._rewritten = rewritten
        self._is_sound = is_sound
        self._decided = False

    def changes(self) -> Changes:
        return self._chosen.changes()

    def calls(self) -> int:
        return self._chosen.calls()

    def concerns(self, events: bytes) -> bool:
        return self._chosen.concerns(events)

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        return self._choice(chunk).chunk(event, chunk)

    def comment(self, event: bytes) -> bytes:
        return self._chosen.comment(event)

    def last(self, event: bytes) -> bytes:
        return self._chosen.last(event)

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        return self._chosen.end(usage, ended=ended)

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        return self._choice(decoded).whole(body, decoded, usage)

    def _choice(self, answer: Body) -> Edited | Translated:
        if not self._decided:
            self._decided = True
            if not self._is_sound(answer):
                self._chosen = self._rewritten()
        return self._chosen
