"""Rewrite the golden files, which are computed from the event files beside them: `make golden`.

The newer event file first gets a sample line for each event of the contract that it lacks.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

from coderouter_events.events import EVENTS, LOGGER, Event, field_descriptions
from coderouter_exporter.offline.fold_files import fold_files
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View

DATA = Path(__file__).parents[2] / "exporter/data"
EVENTS_1_7 = DATA / "coderouter-1.7.jsonl"
EVENTS_2 = DATA / "coderouter-2.jsonl"
GOLDEN = {
    DATA / "coderouter-1.7.prom": (EVENTS_1_7, Format.TEXT),
    DATA / "coderouter-2.prom": (EVENTS_2, Format.TEXT),
    DATA / "coderouter-2.om": (EVENTS_2, Format.OPENMETRICS),
}
SAMPLES = {"request_id": "req_10", "provider": "ollama", "profile": "default", "model": "qwen2.5-coder:14b"}
SAMPLES_OF_TYPE: dict[object, object] = {str: "sample", int: 1, float: 0.5, bool: True}


def rendered(events: Path, form: Format) -> bytes:
    """Return the metrics of the event file; times without a zone are in that of this process."""
    state = fold_files([events])
    return render(View(state=state, now_ts=state.last_event_ts), form)


def missing_lines(events: Path) -> Iterator[str]:
    """Yield a line for each event of the contract that the file lacks, written after its last line."""
    lines = events.read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    present = {fields["msg"] for line in lines if line.startswith("{") for fields in [json.loads(line)]}
    for number, event in enumerate((each for each in EVENTS if each.msg not in present), start=1):
        ts = datetime.fromisoformat(last["ts"]) + timedelta(seconds=number)
        envelope = {
            "ts": ts.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": event.level,
            "logger": LOGGER,
            "msg": event.msg,
            "writer": last["writer"],
            "seq": last["seq"] + number,
        }
        yield json.dumps(envelope | sample(event), separators=(",", ":"), ensure_ascii=False) + "\n"


def sample(event: type[Event]) -> dict[str, object]:
    """Return a value for each of the event's own fields."""
    hints = get_type_hints(event)
    return {name: SAMPLES.get(name, _value(hints[name])) for name in field_descriptions(event)}


def _value(hint: object) -> object:
    kind, arguments = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        return _value(next(argument for argument in arguments if argument is not NoneType))
    if kind is Literal:
        return arguments[0]
    if kind is list:
        return [_value(arguments[0])] if arguments[0] is str else []
    return {} if kind is dict else SAMPLES_OF_TYPE[hint]


def main() -> None:
    os.environ["TZ"] = "UTC"
    time.tzset()
    new = list(missing_lines(EVENTS_2))
    with EVENTS_2.open("a", encoding="utf-8") as file:
        file.writelines(new)
    for path, (events, form) in GOLDEN.items():
        path.write_bytes(rendered(events, form))


if __name__ == "__main__":
    main()
