"""Why a TLS connection failed, in words that say what to change."""

import ssl
from datetime import UTC, datetime

PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE")
"""OpenSSL's reasons when the other side answers in plain text."""
NOT_PLAIN = "the server does not speak it; write http:// in base_url"
NOT_YET_VALID, EXPIRED = 9, 10  # X509_V_ERR_* of OpenSSL
CLOCK = "this machine's clock"


def reason(error: OSError) -> str:
    """Return what the error of a handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        dated = error.verify_code in (NOT_YET_VALID, EXPIRED)
        clock = f"; {CLOCK} says {datetime.now(UTC):%Y-%m-%d %H:%M} UTC" if dated else ""
        return f"{error.verify_message.rstrip('.')}{clock}"
    named = getattr(error, "reason", None)
    return NOT_PLAIN if named in PLAIN else str(named or error)
