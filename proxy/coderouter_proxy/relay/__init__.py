"""What happens to an answer between provider and client: pass through, edit, translate."""
