"""`doctor --check-model`: one probe per file, and the table of them."""
