"""What an answer of a receiver means, and what is said of one that is none."""

import asyncio

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coderouter_exporter.otlp.sending import Answer, new_session, send


def answered(raw: bytes) -> Answer:
    """Return the result of an export that a server answers with these bytes, closing the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    async def export() -> Answer:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, new_session() as session:
            port = server.sockets[0].getsockname()[1]
            return await send(session, f"http://127.0.0.1:{port}", {}, ExportTraceServiceRequest())

    return asyncio.run(export())


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"zstd", b"unknown"])
def test_an_answer_that_cannot_be_decoded_accepts_the_export_as_its_status_says(encoding: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: "
    assert answered(head + encoding + b"\r\nContent-Length: 1\r\n\r\n?") == Answer()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "Server disconnected"),
        (b"\x00\xff\r\n\r\n", "what it answers is not HTTP: Bad status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n?", "its answer broke off"),
    ],
)
def test_what_is_no_answer_is_named_in_one_line(raw: bytes, message: str) -> None:
    answer = answered(raw)
    assert answer.reason == "unreachable"
    assert answer.message.startswith(message)
    assert answer.message.isprintable()
