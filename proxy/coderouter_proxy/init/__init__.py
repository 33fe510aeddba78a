"""`coderouter init`: find local servers and keys, write a starter providers.yaml."""
