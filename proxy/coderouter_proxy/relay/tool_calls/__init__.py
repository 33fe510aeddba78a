"""Tool calls that models write as text: syntaxes, look-ahead buffer, repair."""
