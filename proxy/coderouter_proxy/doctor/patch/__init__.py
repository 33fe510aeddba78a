"""`doctor --apply`: patches, the YAML edit, the atomic write."""
