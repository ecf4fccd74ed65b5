"""The least that an answer from the same file costs: FastAPI, one query, its rows as JSON."""

import os
import sqlite3
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()
_own = threading.local()


@app.get("/health/ready")
def ready() -> None:
    """It answers."""


@app.get("/v1/customers/{city}")
def customers(city: str) -> list[dict[str, Any]]:
    """A page."""
    return _rows(
        "SELECT customer_id, kind, name, phone, city, unit_id, manager_id, status, monthly_fee_fen FROM customers"
        " WHERE city = ? ORDER BY name_sort, customer_id LIMIT 50",
        city,
    )


@app.get("/v1/callers/{customer_id}")
def caller(customer_id: str) -> list[dict[str, Any]]:
    """One customer."""
    return _rows("SELECT customer_id, name, kind, manager_id FROM customers WHERE customer_id = ?", customer_id)


@app.get("/v1/alerts/counts")
def counts() -> list[dict[str, Any]]:
    """All alerts, counted."""
    return _rows("SELECT kind, city, count(*) AS count FROM alerts GROUP BY kind, city")


def _rows(query: str, *parameters: str) -> list[dict[str, Any]]:
    if not hasattr(_own, "connection"):
        _own.connection = sqlite3.connect(f"file:{os.environ['BENCH_FILE']}?mode=ro", uri=True)
        _own.connection.row_factory = sqlite3.Row
    return [dict(row) for row in _own.connection.execute(query, parameters)]


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["BENCH_PORT"]), log_level="warning")
