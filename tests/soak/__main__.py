"""Load proxy and exporter, rotate, kill, restart and disturb on schedule, and compare all counts at the end.

`SOAK_S` sets the duration in seconds; the default is ten minutes. `SOAK_FAULTS` lists what disturbs the exporter,
separated by commas, by default all of `descriptors,disk,folder,clock`; `none` leaves it alone. What this machine does
not allow is left out: `disk` and `folder` require root, `clock` requires faketime.
"""

import os
import sys
import tempfile
from pathlib import Path

from soak.disturbances import KINDS, Clock, Disturbances, disturbances, state_disk
from soak.driver import Driver, driving
from soak.expected import Expected, read_event_files
from soak.schedule import Restartable, Samples, Soak
from soak.written import Written
from support.exporter.logrotate import Logrotate
from support.exporter.privileges import can_be_unprivileged, unprivileged
from support.exporter.process import running_exporter
from support.processes import clean_environment, eventually, free_port, running
from support.proxy.process import config, provider, serving

SOAK_S = float(os.environ.get("SOAK_S", "600"))
SOAK_FAULTS = os.environ.get("SOAK_FAULTS", ",".join(KINDS)).split(",")
DISK_KILOBYTES = 65_536  # for the rows of 20,000 requests, and room to spare
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
    with tempfile.TemporaryDirectory() as name, state_disk(Path(name), SOAK_FAULTS, DISK_KILOBYTES) as disk:
        folder = Path(name)
        events = folder / "log" / "events.jsonl"
        events.parent.mkdir()
        state = (disk.folder if disk else folder) / "exporter.db"
        clock = Clock(folder) if Clock.is_allowed(SOAK_FAULTS) else None
        env = dict(clock.env) if clock else {}
        prefix = unprivileged() if "folder" in SOAK_FAULTS and can_be_unprivileged() else ()
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
            proxy = Restartable(lambda: serving(folder, settings, *options, events_path=events, env=env))
            exporter = Restartable(lambda: running_exporter(events, state=state, prefix=prefix, **env))
            disturbing = Disturbances(
                disturbances(SOAK_FAULTS, lambda: exporter.now, events=events, disk=disk, clock=clock)
            )
            written = Written(events)
            try:
                with driving(port, REQUESTS_PER_S) as driver:
                    logrotate = Logrotate(folder / "logrotate", events, rotate=9999)
                    soak = Soak(exporter, proxy, logrotate, driver, disturbing, written)
                    soak.run(SOAK_S)
                disturbing.end()
                proxy.now.command.stop()
                eventually(exporter.now.is_ready, within_s=60)
                samples = eventually(soak.scrape, within_s=60)
                soak.report()
                soak.report_verdicts()
            finally:
                disturbing.end()
                written.close()
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
