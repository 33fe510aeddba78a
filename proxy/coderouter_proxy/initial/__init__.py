"""What `coderouter init` does: find models, choose one of each place, write a first providers.yaml."""
