"""The least that a customer's document costs: FastAPI, one query of the database, as JSON."""

import os
from typing import Any

import uvicorn
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

app = FastAPI()
_client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["BENCH_MONGODB"])


@app.get("/health/ready")
def ready() -> None:
    """It answers."""


@app.get("/v1/customers/{id}")
async def customer(id: str) -> dict[str, Any] | None:
    """A customer's document."""
    return await _client["customer_profile"]["customers"].find_one({"_id": id})


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["BENCH_PORT"]), log_level="warning")
