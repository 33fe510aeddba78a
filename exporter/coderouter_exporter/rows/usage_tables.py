"""Adds what is counted to the tables of days and slots, and keeps those within their bounds."""

import sqlite3
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import msgspec

from coderouter_exporter.rows.tables import DAY_KEY, NUMBERS, SLOT_KEY, SLOT_NUMBERS
from coderouter_exporter.rows.usage import (
    DAYS_KEPT,
    HOUR_SLOTS_KEPT,
    DayKey,
    Slot,
    SlotKey,
    Usage,
    empty_slot,
    slot_of,
)
from coderouter_exporter.state.cardinality import OTHER, SERIES_MAX
from coderouter_exporter.state.duration_histogram import DurationHistogram
from coderouter_exporter.state.minutes import HOUR_MINUTES, HOURS_KEPT, MINUTE_S

_encode = msgspec.msgpack.Encoder().encode
_histogram = msgspec.msgpack.Decoder(DurationHistogram).decode
encode_usage = msgspec.msgpack.Encoder().encode
decode_usage = msgspec.msgpack.Decoder(Usage).decode

_DAY_MATCHES = " AND ".join(f"{name} = ?" for name in DAY_KEY)
_ADD_TO_DAY = f"UPDATE day SET {', '.join(f'{name} = {name} + ?' for name in NUMBERS)} WHERE {_DAY_MATCHES}"
_INSERT_DAY = f"INSERT INTO day VALUES ({', '.join('?' * (len(DAY_KEY) + len(NUMBERS)))})"
_SLOT_MATCHES = " AND ".join(f"{name} = ?" for name in SLOT_KEY)
_SLOT_VALUES = ", ".join((*SLOT_NUMBERS, "duration", "first_token"))
_SELECT_SLOT = f"SELECT {_SLOT_VALUES} FROM slot WHERE {_SLOT_MATCHES}"
_PUT_SLOT = f"INSERT OR REPLACE INTO slot VALUES ({', '.join('?' * (len(SLOT_KEY) + len(SLOT_NUMBERS) + 2))})"


def add(db: sqlite3.Connection, usage: Usage, now_ts: float) -> None:
    for day, numbers in usage.days.items():
        _add_day(db, day, numbers)
    for (start, minutes, provider), slot in usage.slots.items():
        # It may have been counted as a minute before the hour was over.
        current = slot_of(start, now_ts) if minutes == 1 else (start, minutes)
        _add_slot(db, (*current, provider), slot)
    _fold_minutes(db, now_ts)
    _forget_old(db, now_ts)


def subtract(db: sqlite3.Connection, usage: Usage, now_ts: float) -> None:
    """Take back what was added."""
    negative = Usage(
        {day: [-number for number in numbers] for day, numbers in usage.days.items()},
        {
            key: Slot(
                [-number for number in slot.numbers],
                {bucket: -number for bucket, number in slot.duration.items()},
                {bucket: -number for bucket, number in slot.first_token.items()},
            )
            for key, slot in usage.slots.items()
        },
    )
    add(db, negative, now_ts)


def _add_day(db: sqlite3.Connection, day: DayKey, numbers: list[int]) -> None:
    """Add to the row, or to that of `other` names when the date has too many rows."""
    if db.execute(_ADD_TO_DAY, (*numbers, *day)).rowcount:
        return
    (rows,) = db.execute("SELECT count(*) FROM day WHERE date = ? AND zone = ?", day[:2]).fetchone()
    if rows >= SERIES_MAX:
        day = (*day[:2], OTHER, OTHER, OTHER, OTHER)
        if db.execute(_ADD_TO_DAY, (*numbers, *day)).rowcount:
            return
    db.execute(_INSERT_DAY, (*day, *numbers))


def _add_slot(db: sqlite3.Connection, key: SlotKey, slot: Slot) -> None:
    start, minutes, _ = key
    if not minutes:
        return
    known = db.execute(_SELECT_SLOT, key).fetchone()
    if known is None:
        query = "SELECT count(*) FROM slot WHERE start = ? AND minutes = ?"
        (rows,) = db.execute(query, (start, minutes)).fetchone()
        if rows >= SERIES_MAX:
            key = (start, minutes, OTHER)
            known = db.execute(_SELECT_SLOT, key).fetchone()
    whole = empty_slot() if known is None else slot_from(known)
    whole.add(slot)
    blobs = (_packed(whole.duration), _packed(whole.first_token))
    db.execute(_PUT_SLOT, (*key, *whole.numbers, *blobs))


def _packed(histogram: DurationHistogram) -> bytes:
    return _encode({bucket: number for bucket, number in histogram.items() if number})


def slot_from(values: tuple[object, ...]) -> Slot:
    """Return the slot of the columns `SLOT_NUMBERS`, `duration` and `first_token`."""
    *numbers, duration, first_token = values
    return Slot(numbers, _histogram(duration), _histogram(first_token))  # type: ignore[arg-type]


def _fold_minutes(db: sqlite3.Connection, now_ts: float) -> None:
    """Merge minutes that are old into their hours."""
    first = (int(now_ts // MINUTE_S) // HOUR_MINUTES - HOURS_KEPT + 1) * HOUR_MINUTES
    old = db.execute(
        f"SELECT start, provider, {_SLOT_VALUES} FROM slot WHERE minutes = 1 AND start < ?", (first,)
    ).fetchall()
    if not old:
        return
    hours: defaultdict[SlotKey, Slot] = defaultdict(empty_slot)
    for start, provider, *values in old:
        hours[start // HOUR_MINUTES * HOUR_MINUTES, HOUR_MINUTES, provider].add(slot_from(tuple(values)))
    db.execute("DELETE FROM slot WHERE minutes = 1 AND start < ?", (first,))
    for key, slot in hours.items():
        _add_slot(db, key, slot)


def _forget_old(db: sqlite3.Connection, now_ts: float) -> None:
    now = int(now_ts // MINUTE_S)
    db.execute(
        "DELETE FROM slot WHERE start < ?", ((now // HOUR_MINUTES - HOUR_SLOTS_KEPT + 1) * HOUR_MINUTES,)
    )
    oldest = datetime.fromtimestamp(now_ts, UTC).date() - timedelta(DAYS_KEPT)
    db.execute("DELETE FROM day WHERE date < ?", (oldest.isoformat(),))
