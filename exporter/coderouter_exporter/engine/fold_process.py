"""A process that computes what chunks add, for the exporter that started it. It ends with the exporter."""

import gc
import os
import signal
import sys
from multiprocessing.connection import Connection

import msgspec

from coderouter_exporter.fold.delta import delta_of, encode
from coderouter_exporter.records.decode import READ_BYTES_MAX


class Task(msgspec.Struct, array_like=True):
    """A chunk to count. Its lines are in a slot of the file that both processes have, and so is the answer."""

    slot: int
    size: int
    read_ts: float
    zone: str


GC_OBJECTS = 20_000
"""Counting a chunk makes many objects and no cycles."""
READY = -1
"""The first answer; each of the others is the size of a delta, or 0 if the chunk has to be folded in order."""

encode_task = msgspec.msgpack.Encoder().encode
encode_answer = msgspec.msgpack.Encoder().encode
decode_answer = msgspec.msgpack.Decoder(int).decode
_decode_task = msgspec.msgpack.Decoder(Task).decode


def main(fd: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exporter gets it, too
    gc.freeze()  # what was imported stays
    gc.set_threshold(GC_OBJECTS)
    tasks, answers = Connection(sys.stdin.fileno(), writable=False), Connection(sys.stdout.fileno())
    try:
        answers.send_bytes(encode_answer(READY))
        while True:
            answers.send_bytes(encode_answer(_count(fd, _decode_task(tasks.recv_bytes()))))
    except (EOFError, OSError):
        os._exit(0)  # the exporter has ended


def _count(fd: int, task: Task) -> int:
    offset = task.slot * READ_BYTES_MAX
    delta = delta_of(os.pread(fd, task.size, offset), task.read_ts, task.zone)
    answer = b"" if delta is None else encode(delta)
    return os.pwrite(fd, answer, offset) if len(answer) <= READ_BYTES_MAX else 0


if __name__ == "__main__":
    main(int(sys.argv[1]))
