"""Fixtures every test may use: real servers (embedded_fixtures)."""

pytest_plugins = ["embedded_fixtures"]
