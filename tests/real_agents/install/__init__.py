"""Installing agents, each version once, into a folder that later runs use again."""
