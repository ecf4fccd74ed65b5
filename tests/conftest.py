"""Fixtures every test may use: real servers (embedded_servers); how tests log; the collector."""

import gc
import logging

import structlog

pytest_plugins = ["harness.embedded_servers"]

# As services log to a terminal (telemetry.setup_logging): tracebacks with every variable cost more than what is tested.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(colors=False),
    ],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
)


def pytest_collection_finish() -> None:
    """Four thousand tests and their modules stay until the end: looked through for cycles with each of the collector's
    rounds, they cost more than many tests. As services do (``servicekit.service``)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
