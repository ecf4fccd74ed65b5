"""Benchmarks with their peers and limits, measured in the same run: ``python -m bench``."""
