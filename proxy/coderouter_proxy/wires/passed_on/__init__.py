"""Embeddings and rerank: requests and answers that are passed on unchanged."""
