"""`coderouter serve` that sends its first ping after a fraction of a second, for tests that wait for one."""

import argparse
from dataclasses import replace
from pathlib import Path

from coderouter_http.logs import LogOptions
from coderouter_proxy.server import run
from coderouter_proxy.settings.launch import LaunchOptions, Settings, read_settings

PING_S = 0.2


def given_settings() -> tuple[Settings, int]:
    """Return the settings of `providers.yaml` and the command line, and the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--events", type=Path)
    given = parser.parse_args()
    launch = LaunchOptions(
        config_path=Path("providers.yaml"),
        mode=None,
        mode_source="env",
        events_path=given.events,
        host="127.0.0.1",
        insecure=False,
    )
    return read_settings(launch), given.port


def main() -> None:
    read, port = given_settings()
    run.run(replace(read, ping_s=PING_S), port=port, workers=1, logs=LogOptions(), grace_s=1)


if __name__ == "__main__":
    main()
