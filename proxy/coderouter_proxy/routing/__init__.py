"""Which provider answers: profile, order of the chain, gates, cooldown, the fallback loop."""
