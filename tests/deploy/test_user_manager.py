"""The user services under a real systemd of a user: they start in their sandbox, and reach what they need only."""

import pytest

from support.systemd import user_manager

pytestmark = pytest.mark.slow

SCRIPT = """
/home/bin/coderouter service install --user --no-start >/dev/null
printf 'CODEROUTER_PORT=0\\nCODEROUTER_EVENTS_PATH=/home/.coderouter/events.jsonl\\n' >/home/.coderouter/coderouter.env
printf 'CR_EXPORTER_LISTEN=127.0.0.1:0\\n' >/home/.coderouter/cr-exporter.env
systemctl --user daemon-reload
systemctl --user start cr-exporter.service coderouter.service || cat /home/systemd.log
for unit in coderouter cr-exporter; do
    systemctl --user show --property=Id,ActiveState,StatusText "$unit.service"
    pid=$(systemctl --user show --property=MainPID --value "$unit.service")
    grep -E '^(CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status"
    nsenter --target "$pid" --mount --user -- sh -c '
        for place in /usr /home /home/.coderouter /etc; do
            touch "$place/probe" 2>/dev/null && echo "writes $place"
        done
        rm -f /home/.coderouter/probe
        [ -e /dev/kmsg ] || echo "no devices"
    '
done
wc -l </home/.coderouter/events.jsonl
"""


def test_the_services_start_confined() -> None:
    shown = user_manager.output(SCRIPT)
    assert shown.count("ActiveState=active") == 2, shown
    assert shown.count("CapBnd:\t0000000000000000") == 2
    assert shown.count("NoNewPrivs:\t1") == 2
    assert shown.count("Seccomp:\t2") == 2
    assert shown.count("no devices") == 2
    assert [line for line in shown.splitlines() if line.startswith("writes ")] == [
        "writes /home/.coderouter"
    ] * 2
    assert int(shown.splitlines()[-1]) >= 2, "the proxy writes events"
