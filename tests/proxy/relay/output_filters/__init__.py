"""Tests of the filters, alone and in front of clients."""
