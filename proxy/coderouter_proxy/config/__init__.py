"""providers.yaml: its schema, field types, validation with line numbers, and env files."""
