"""`doctor --check-env`: are keys stored safely?"""
