"""Clients that offer another protocol with each request: each has to get its answer in this one."""

import json
import shutil
import subprocess
from pathlib import Path

WORDS = "hello from a client"
BODY = json.dumps({"messages": [{"role": "user", "content": WORDS}]})
JAVA = Path(__file__).with_name("Chat.java")


def java(url: str) -> str:
    """Return what Java's HttpClient reads."""
    return _output("java", "-XX:TieredStopAtLevel=1", str(JAVA), url, BODY)


def curl_http2(url: str) -> str:
    """Return what curl reads, which sends a body and then another on the same connection."""
    return _output("curl", "--silent", "--http2", "--json", BODY, url, url)


CLIENTS = {"java": java, "curl": curl_http2}


def is_missing(program: str) -> bool:
    return shutil.which(program) is None


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout
