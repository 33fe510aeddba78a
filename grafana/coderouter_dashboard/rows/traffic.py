"""What clients request, and how their requests end."""

from coderouter_dashboard.panel import BAD, GOOD, NEUTRAL, NOTICE, WARNING, Kind, Panel, Query, Row
from coderouter_dashboard.promql import mean, of, of_profiles, per_minute, rate, share_or_zero
from coderouter_dashboard.rows.summary import ERRORS, FALLBACKS, REQUESTS

TRAFFIC = Row(
    "Traffic",
    (
        Panel(
            title="Requests by outcome",
            description="Client requests by their outcome for the client.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(Query(per_minute(REQUESTS, "outcome"), "{{outcome}}"),),
            colours={
                "ok": GOOD,
                "client_error": NOTICE,
                "client_gone": NEUTRAL,
                "blocked": "purple",
                "midstream": WARNING,
                "exhausted": BAD,
            },
            requests="outcome=${__field.labels.outcome}",
        ),
        Panel(
            title="Requests by profile",
            description="Client requests by the profile that routed them; requests rejected before routing have "
            "none.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(Query(per_minute(REQUESTS, "profile"), "{{profile}}"),),
            requests="profile=${__field.labels.profile}",
        ),
        Panel(
            title="Requests by agent",
            description="Client requests by the agent that sent them and what for, as it reports it.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(
                Query(
                    per_minute(of("coderouter_agent_requests_total"), "agent", "request_class"),
                    "{{agent}}: {{request_class}}",
                ),
            ),
            requests="agent=${__field.labels.agent}",
        ),
        Panel(
            title="Requests by wire and instance",
            description="Client requests by API, for each exporter.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(Query(per_minute(REQUESTS, "instance", "ingress"), "{{ingress}} {{instance}}"),),
        ),
        Panel(
            title="Errors and fallbacks",
            description="Shares of client requests: those that failed for the client, and those that needed more "
            "than one attempt.",
            unit="percentunit",
            queries=(
                Query(share_or_zero(rate(ERRORS), rate(REQUESTS)), "errors"),
                Query(share_or_zero(rate(FALLBACKS), rate(REQUESTS)), "fallbacks"),
            ),
            colours={"errors": BAD, "fallbacks": NOTICE},
        ),
        Panel(
            title="Attempts per request",
            description="Mean number of attempts per client request; 1 when the first provider always answers.",
            unit="short",
            queries=(Query(mean(of_profiles, "coderouter_attempts_per_request", "profile"), "{{profile}}"),),
        ),
        Panel(
            title="Requests in flight",
            width=24,
            description="Client requests in flight, as reported in the proxies' last heartbeats (every 15 s).",
            unit="short",
            kind=Kind.STACK,
            queries=(Query(f"sum by (instance) ({of('coderouter_in_flight_requests')})", "{{instance}}"),),
        ),
    ),
)
