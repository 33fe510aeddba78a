"""How each model family writes a tool call when its server does not parse it."""
