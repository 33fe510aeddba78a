"""`cr-exporter fold` and `backfill`: counting closed files."""
