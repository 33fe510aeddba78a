"""What gates kept back, and what was done to requests and answers on their way."""

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import of, of_profiles, of_providers, rate

QUALITY = Row(
    "Gates and quality",
    (
        Panel(
            title="Providers passed over",
            description="Providers of a chain that were not tried, by why.",
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
            title="Chains with nobody to ask",
            description="Client requests that the paid gate closed, and those for which every provider refused our "
            "credentials: set allow_paid, or correct a key.",
            unit="reqps",
            queries=(
                Query(rate(of("coderouter_chain_paid_gate_blocked_total")), "paid gate"),
                Query(rate(of("coderouter_chain_uniform_auth_failure_total")), "credentials refused"),
            ),
        ),
        Panel(
            title="Auto router",
            description="Which rule sent requests to which profile.",
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
            description="Tool calls that a model wrote as text and that became real ones.",
            unit="cps",
            queries=(
                Query(rate(of_providers("coderouter_tool_calls_repaired_total"), "provider"), "{{provider}}"),
            ),
        ),
        Panel(
            title="Capabilities lost",
            description="What requests or answers lost on the way because the other side does not support it.",
            unit="cps",
            queries=(
                Query(rate(of("coderouter_capability_degraded_total"), "capability"), "{{capability}}"),
            ),
        ),
        Panel(
            title="Output filters",
            description="Answers that an output filter changed.",
            unit="reqps",
            queries=(Query(rate(of("coderouter_output_filter_applied_total"), "filter"), "{{filter}}"),),
        ),
    ),
)
