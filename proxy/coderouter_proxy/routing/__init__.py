"""Which provider answers: profile, auto router, capabilities, gates, cooldown, the fallback loop."""
