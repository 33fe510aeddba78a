"""What the gates blocked, and what was changed in requests and responses."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import of, of_profiles, of_providers, per_minute, rate, share, share_of

TOOL_ANSWERS = of_providers("coderouter_tool_answers_total")
SILENT = of_providers("coderouter_tool_answers_total", 'result="silent"')
ENDS = of_providers("coderouter_stream_ends_total")
ODD_ENDS = of_providers("coderouter_stream_ends_total", 'reason=~"length|content_filter|other"')

QUALITY = Row(
    "Gates and quality",
    (
        Panel(
            title="Providers skipped",
            description="Providers of a chain that were not tried, by reason.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(
                Query(
                    per_minute(of_providers("coderouter_provider_skipped_total"), "provider", "reason"),
                    "{{provider}}: {{reason}}",
                ),
            ),
        ),
        Panel(
            title="Chains without a usable provider",
            description="Client requests that the paid gate blocked, and those for which every provider rejected our "
            "credentials: set allow_paid, or correct a key.",
            unit="reqpm",
            queries=(
                Query(per_minute(of("coderouter_chain_paid_gate_blocked_total")), "paid gate"),
                Query(per_minute(of("coderouter_chain_uniform_auth_failure_total")), "credentials rejected"),
            ),
        ),
        Panel(
            title="Auto router",
            description="Client requests by the rule that chose their profile.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(
                Query(
                    per_minute(of_profiles("coderouter_auto_router_resolved_total"), "rule", "profile"),
                    "{{rule}} → {{profile}}",
                ),
                Query(per_minute(of("coderouter_auto_router_fallthrough_total")), "no rule"),
            ),
        ),
        Panel(
            title="Tool calls repaired",
            description="Tool calls that a model wrote as text and the proxy turned into real ones.",
            unit="cpm",
            queries=(
                Query(
                    per_minute(of_providers("coderouter_tool_calls_repaired_total"), "provider"),
                    "{{provider}}",
                ),
            ),
        ),
        Panel(
            title="Answers without a tool call",
            description="Share of the complete answers to requests with tools in which the model called none.",
            unit="percentunit",
            queries=(Query(share(rate(SILENT, "provider"), rate(TOOL_ANSWERS, "provider")), "{{provider}}"),),
            requests="provider=${__field.labels.provider}",
        ),
        Panel(
            title="Odd ends",
            description="Share of the streams that ended at the length limit, by a content filter, or for a reason "
            "that is not known.",
            unit="percentunit",
            queries=(Query(share_of(rate(ODD_ENDS, "provider"), rate(ENDS, "provider")), "{{provider}}"),),
            requests="provider=${__field.labels.provider}",
        ),
        Panel(
            title="Adaptations",
            description="Refused requests that a provider answered in another form, by what it needs.",
            unit="reqpm",
            kind=Kind.STACK,
            queries=(
                Query(
                    per_minute(of_providers("coderouter_provider_adaptations_total"), "provider", "trait"),
                    "{{provider}}: {{trait}}",
                ),
            ),
        ),
        Panel(
            title="Features dropped",
            description="Features of requests and responses dropped because the other side does not support them.",
            unit="cpm",
            queries=(
                Query(per_minute(of("coderouter_capability_degraded_total"), "capability"), "{{capability}}"),
            ),
        ),
        Panel(
            title="Output filters",
            description="Responses changed by an output filter.",
            unit="reqpm",
            queries=(
                Query(per_minute(of("coderouter_output_filter_applied_total"), "filter"), "{{filter}}"),
            ),
        ),
    ),
)
