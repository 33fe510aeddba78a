"""Chat Completions: client side, provider side, request translation, stream reader and writer."""
