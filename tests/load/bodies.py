"""Many large bodies at once: each is answered, or refused with a time to try again."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from support.proxy.client import Response, request

JSON = {"Content-Type": "application/json"}


def of_size(size: int) -> bytes:
    """Return a request of this size, whose text is what costs most to decode and to write again."""
    start, end = b'{"profile": "slow", "stream": true, "messages": [{"role": "user", "content": "', b'"}]}'
    return start + b"word " * ((size - len(start) - len(end)) // 5) + end


def answers(port: int, body: bytes, clients: int) -> list[Response]:
    """Return the answers to so many clients that send the body at once."""
    with ThreadPoolExecutor(clients) as clients_:
        sending = [
            clients_.submit(request, port, "POST", "/v1/chat/completions", body, JSON) for _ in range(clients)
        ]
        return [each.result() for each in sending]


def outcomes(given: list[Response]) -> Counter[str]:
    """Return how many of each: `answered`, `refused` with a time to try again, or else the status."""
    return Counter(_outcome(each) for each in given)


def _outcome(response: Response) -> str:
    if response.status == 200 and b"[DONE]" in response.body:
        return "answered"
    if response.status == 503 and "retry-after" in response.headers and json.loads(response.body)["error"]:
        return "refused"
    return str(response.status)
