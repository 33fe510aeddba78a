"""providers.yaml: schema, field types, validation with line numbers, loading; and env files."""
