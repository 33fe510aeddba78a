import pytest

from coderouter_proxy.senders.trace import traceparent

VALID = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_valid_traceparent_is_kept() -> None:
    assert traceparent({b"traceparent": VALID}) == VALID.decode()
    assert traceparent({}) is None


@pytest.mark.parametrize(
    "invalid",
    [
        b"",
        VALID.upper(),
        VALID + b"-x",
        VALID + b"\n",
        b"ff" + VALID[2:],
        b"00-" + b"0" * 32 + VALID[35:],
        VALID[:36] + b"0" * 16 + b"-01",
        b"00-secret-00f067aa0ba902b7-01",
    ],
)
def test_anything_else_is_not(invalid: bytes) -> None:
    assert traceparent({b"traceparent": invalid}) is None
