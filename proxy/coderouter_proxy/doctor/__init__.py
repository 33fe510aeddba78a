"""What `coderouter doctor` looks at: the model of a provider, files with keys, the whole pipeline."""
