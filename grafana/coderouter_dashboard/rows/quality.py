"""What the gates blocked, and what was changed in requests and responses."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import of, of_profiles, of_providers, rate

QUALITY = Row(
    "Gates and quality",
    (
        Panel(
            title="Providers skipped",
            description="Providers of a chain that were not tried, by reason.",
            unit="reqps",
            kind=Kind.STACK,
            queries=(
                Query(
                    rate(of_providers("coderouter_provider_skipped_total"), "provider", "reason"),
                    "{{provider}}: {{reason}}",
                ),
            ),
        ),
        Panel(
            title="Chains without a usable provider",
            description="Client requests that the paid gate blocked, and those for which every provider rejected our "
            "credentials: set allow_paid, or correct a key.",
            unit="reqps",
            queries=(
                Query(rate(of("coderouter_chain_paid_gate_blocked_total")), "paid gate"),
                Query(rate(of("coderouter_chain_uniform_auth_failure_total")), "credentials rejected"),
            ),
        ),
        Panel(
            title="Auto router",
            description="Client requests by the rule that chose their profile.",
            unit="reqps",
            kind=Kind.STACK,
            queries=(
                Query(
                    rate(of_profiles("coderouter_auto_router_resolved_total"), "rule", "profile"),
                    "{{rule}} → {{profile}}",
                ),
                Query(rate(of("coderouter_auto_router_fallthrough_total")), "no rule"),
            ),
        ),
        Panel(
            title="Tool calls repaired",
            description="Tool calls that a model wrote as text and the proxy turned into real ones.",
            unit="cps",
            queries=(
                Query(rate(of_providers("coderouter_tool_calls_repaired_total"), "provider"), "{{provider}}"),
            ),
        ),
        Panel(
            title="Features dropped",
            description="Features of requests and responses dropped because the other side does not support them.",
            unit="cps",
            queries=(
                Query(rate(of("coderouter_capability_degraded_total"), "capability"), "{{capability}}"),
            ),
        ),
        Panel(
            title="Output filters",
            description="Responses changed by an output filter.",
            unit="reqps",
            queries=(Query(rate(of("coderouter_output_filter_applied_total"), "filter"), "{{filter}}"),),
        ),
    ),
)
