"""Small questions to a model, each a module with a `probe`; none has a side effect."""
