"""HTTP/1.0 clients get bodies that end with the connection, not chunks."""

import json
import socket

from support.proxy import openai_answers as says
from support.proxy.process import HELLO, Proxy
from support.proxy.upstream import Pause, Provider


def asked(served: Proxy, *, stream: bool) -> socket.socket:
    body = json.dumps({"model": "m", "messages": HELLO, "stream": stream}).encode()
    fields = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: %d" % len(body)
    sock = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    sock.sendall(b"POST /v1/chat/completions HTTP/1.0\r\n%b\r\n\r\n%b" % (fields, body))
    return sock


def test_a_stream_arrives_as_it_is_written_and_ends_with_the_connection(served: Proxy, a: Provider) -> None:
    pause = Pause()
    a.plays(says.streamed("Hello", pause, " there."))

    with asked(served, stream=True) as sock, sock.makefile("rb") as reader:
        head = b"".join(iter(reader.readline, b"\r\n")).lower()
        first = reader.read(len(says.ROLE + says.text("Hello")))
        pause.go()
        rest = reader.read()

    assert b"transfer-encoding" not in head
    assert b"content-length" not in head
    assert b"connection: close" in head
    assert first + rest == says.ROLE + says.text("Hello") + says.text(" there.") + says.STOP + says.DONE


def test_a_whole_answer_has_a_length(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())

    with asked(served, stream=False) as sock, sock.makefile("rb") as reader:
        head, _, body = reader.read().partition(b"\r\n\r\n")

    assert b"content-length: %d" % len(body) in head.lower()
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello there."
