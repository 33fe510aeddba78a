"""The committed document: totals, sequences, minutes, recent events; and the SQLite store."""
