"""The smallest providers.yaml."""

LEAST = """\
providers:
  - {name: local, base_url: "http://127.0.0.1:11434/v1", model: m}
profiles:
  - {name: default, providers: [local]}
"""
