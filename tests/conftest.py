"""Fixtures every test may use: real servers (embedded_fixtures)."""

pytest_plugins = ["harness.embedded_servers"]
