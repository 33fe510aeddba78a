"""Load proxy and exporter, rotate, kill and restart on schedule, and compare all counts at the end.

`SOAK_S` sets the duration in seconds; the default is ten minutes.
"""

import os
import sys
import tempfile
from pathlib import Path

from soak.driver import Driver, driving
from soak.expected import Expected, read_event_files
from soak.schedule import Restartable, Samples, Soak
from support.exporter.logrotate import Logrotate
from support.exporter.process import running_exporter
from support.processes import clean_environment, free_port, running
from support.proxy.process import config, provider, serving

SOAK_S = float(os.environ.get("SOAK_S", "600"))
REQUESTS_PER_S = 500
GROWTH_MB_MAX = 8.0


def differences(samples: Samples, expected: Expected, driver: Driver) -> list[str]:
    """Return where the exporter's totals, the event files and the driver's own counts disagree."""
    expected_samples: Samples = {("coderouter_requests_total", ()): expected.tries.total()}
    expected_samples |= {
        ("coderouter_provider_attempts_total", (name,)): n for name, n in expected.tries.items()
    }
    expected_samples |= {
        ("coderouter_provider_outcomes_total", (o, name)): n for (name, o), n in expected.outcomes.items()
    }
    expected_samples |= {("cr_exporter_events_total", (name,)): n for name, n in expected.events.items()}
    expected_samples |= {("cr_exporter_events_missing", ()): 0, ("cr_exporter_exact", ()): 1}
    found = [
        f"{key} is {samples.get(key)}, not {value}"
        for key, value in expected_samples.items()
        if samples.get(key) != value
    ]
    if expected.answered != driver.answered:
        found.append(f"the event files have {expected.answered}, the driver counted {driver.answered}")
    return found + expected.errors() + driver.unexpected[:5]


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = folder / "log" / "events.jsonl"
        events.parent.mkdir()
        upstream, port = free_port(), free_port()
        settings = config(
            [
                provider("up", f"http://127.0.0.1:{upstream}"),
                provider("down", f"http://127.0.0.1:{free_port()}"),
            ],
            {"default": ["up"], "fallback": ["down", "up"]},
            default_profile="default",
        )
        options = ("--workers", "2", "--port", str(port))
        with running(
            sys.executable, "-m", "bench.upstream", str(upstream), env=clean_environment()
        ) as command:
            command.wait_for_port(upstream)
            proxy = Restartable(lambda: serving(folder, settings, *options, events_path=events))
            exporter = Restartable(lambda: running_exporter(events, state=folder / "exporter.db"))
            try:
                with driving(port, REQUESTS_PER_S) as driver:
                    soak = Soak(exporter, proxy, Logrotate(folder / "logrotate", events, rotate=9999), driver)
                    soak.run(SOAK_S)
                proxy.now.command.stop()
                samples = soak.scrape()
                soak.report()
            finally:
                exporter.close()
                proxy.close()
        errors = soak.errors + differences(samples, read_event_files(events), driver)
        exporter_mb, proxy_mb = soak.growth_mb()
        print(f"memory, last third over first: exporter {exporter_mb:+.1f} MB, proxy {proxy_mb:+.1f} MB")
        if max(exporter_mb, proxy_mb) > GROWTH_MB_MAX:
            errors.append(f"memory grew by more than {GROWTH_MB_MAX:g} MB")
        print("\n".join(errors) or "exact: exporter, event files and driver agree, and no total ever fell")
        return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
