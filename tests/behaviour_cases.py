"""The behaviour cases: the shared ones, where they are beside the checkout, and our own."""

from pathlib import Path

HERE = Path(__file__).parent
FILES = [
    *sorted((HERE.parents[1] / "shared" / "conformance" / "cases").glob("*.json")),
    *sorted((HERE / "behaviour").glob("*.json")),
]
