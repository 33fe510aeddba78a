"""The report (/metrics.json) has everything that CodeRouter 1.7 serves."""

from coderouter_exporter.render.report import report
from exporter.fold.events import folded, startup, view
from support.exporter.process import line, tried

KEYS_OF_1_7 = {
    "": {"uptime_s", "started_at", "startup", "counters", "providers", "recent", "config"},
    "providers": {"name", "attempts", "outcomes", "last_error"},
    "last_error": {"ts", "status", "retryable", "error"},
    "counters": {
        "requests_total",
        "chain_paid_gate_blocked_total",
        "chain_uniform_auth_failure_total",
        "auto_router_fallthrough_total",
        "provider_attempts",
        "provider_outcomes",
        "provider_skipped_paid",
        "provider_skipped_unknown",
        "capability_degraded",
        "output_filter_applied",
    },
}


def of_1_7(document: object, key: str = "") -> object:
    """Return the report without the keys that have been added since."""
    if isinstance(document, list):
        return [of_1_7(entry, key) for entry in document]
    if not isinstance(document, dict):
        return document
    known = KEYS_OF_1_7.get(key, document.keys())
    deeper = "config" if key == "config" else None
    return {name: of_1_7(value, deeper or name) for name, value in document.items() if name in known}


def test_the_report_has_the_shape_of_coderouter_1_7() -> None:
    state = folded(
        startup(
            1,
            version="2.0.0",
            providers=["a"],
            profiles=["p"],
            default_profile="p",
            allow_paid=False,
            mode_source="config",
            display_timezone="Asia/Tokyo",
            catalog=[{"name": "a", "kind": "echo", "model": "m", "paid": False, "base_url": ""}],
            chains={"p": ["a"]},
        ),
        tried("a", ts="1970-01-01T00:00:02.000Z"),
        line(
            "provider-failed",
            ts="1970-01-01T00:00:02.900Z",
            provider="a",
            status=503,
            retryable=True,
            error="busy",
        ),
        line("skip-paid-provider", provider="z"),
    )
    assert of_1_7(report(view(state, now_ts=4.25))) == {
        "uptime_s": 3.25,
        "started_at": "1970-01-01T00:00:01",
        "startup": {
            "version": "2.0.0",
            "providers": ["a"],
            "profiles": ["p"],
            "default_profile": "p",
            "allow_paid": False,
            "mode_source": "config",
        },
        "counters": {
            "requests_total": 1,
            "chain_paid_gate_blocked_total": 0,
            "chain_uniform_auth_failure_total": 0,
            "auto_router_fallthrough_total": 0,
            "provider_attempts": {"a": 1},
            "provider_outcomes": {"a": {"failed": 1, "failed_midstream": 0, "ok": 0}},
            "provider_skipped_paid": {"a": 0, "z": 1},
            "provider_skipped_unknown": {},
            "capability_degraded": {},
            "output_filter_applied": {},
        },
        "providers": [
            {
                "name": "a",
                "attempts": 1,
                "outcomes": {"failed": 1, "failed_midstream": 0, "ok": 0},
                "last_error": {
                    "ts": "1970-01-01T00:00:02",
                    "status": 503,
                    "retryable": True,
                    "error": "busy",
                },
            }
        ],
        "recent": [
            {"ts": "1970-01-01T00:00:02", "event": "try-provider", "provider": "a", "stream": False},
            {
                "ts": "1970-01-01T00:00:02",
                "event": "provider-failed",
                "provider": "a",
                "status": 503,
                "retryable": True,
            },
        ],
        "config": {
            "default_profile": "p",
            "allow_paid": False,
            "display_timezone": "Asia/Tokyo",
            "providers": [{"name": "a", "kind": "echo", "paid": False, "base_url": ""}],
            "profiles": [{"name": "p", "providers": ["a"]}],
        },
    }
