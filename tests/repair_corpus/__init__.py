"""What models write: tool calls as text, texts that only look like some, and leaked markup."""
