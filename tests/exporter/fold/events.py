"""Lines of events at known times, and what they fold to."""

from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from support.exporter.process import line, samples

Samples = dict[tuple[str, tuple[str, ...]], float]


def folded(*lines: bytes, state: State | None = None) -> State:
    """Return the state with the lines added as one chunk, by default a new one."""
    state = state or State(created_ts=1.0)
    data = b"".join(lines)
    fold(state, Chunk(data, len(data)))
    return state


def view(state: State, now_ts: float = 0.0) -> View:
    return View(state=state, now_ts=now_ts)


def shown(state: State, now_ts: float = 0.0, *, alive: bool | None = None) -> Samples:
    """Return the samples that a scrape shows."""
    view = View(state=state, now_ts=now_ts, alive=alive)
    return samples(render(view, Format.TEXT).decode())


def startup(second: int, **more: object) -> bytes:
    return line("coderouter-startup", ts=f"1970-01-01T00:00:{second:02}.000Z", **more)


def shutdown(second: int, **more: object) -> bytes:
    return line("coderouter-shutdown", ts=f"1970-01-01T00:00:{second:02}.000Z", reason="SIGTERM", **more)


def adapted(second: int, writer: str, trait: str, value: str, **more: object) -> bytes:
    """A line of a provider, by default `a`, that was adapted to in a way that is remembered."""
    fields: dict[str, object] = {"provider": "a", "reason": "refused-field", "remembered": True}
    ts = f"1970-01-01T00:00:{second:02}.000Z"
    return line("provider-adapted", ts=ts, writer=writer, trait=trait, value=value, **(fields | more))


def reloaded(second: int, writer: str, **more: object) -> bytes:
    return line("config-reloaded", ts=f"1970-01-01T00:00:{second:02}.000Z", writer=writer, **more)


def heartbeat(second: int, writer: str, in_flight: int, **more: object) -> bytes:
    ts = f"1970-01-01T00:00:{second:02}.000Z"
    return line("proxy-heartbeat", ts=ts, writer=writer, in_flight=in_flight, **more)
