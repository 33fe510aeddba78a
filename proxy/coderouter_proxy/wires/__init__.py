"""The APIs that clients and providers speak, one folder each, and what they share."""
