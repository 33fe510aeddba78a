"""Tests of edits of answers that stay on their wire."""
