"""Embeddings and rerank: requests and answers that pass as they are."""
