"""The behaviour cases: the shared ones, where they are beside the checkout, and our own."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FILES = [
    *sorted((TESTS.parents[1] / "shared" / "conformance" / "cases").glob("*.json")),
    *sorted((TESTS / "behaviour").glob("*.json")),
]
