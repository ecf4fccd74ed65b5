"""Routers of services, whose routes are built once.

``FastAPI.include_router`` builds each route a second time, with the first request that comes so far, and asks router
after router with each request: with the gateway's thirty that is a tenth of a second and a millisecond.
"""

from typing import Any

from fastapi import APIRouter

from servicekit.problem import REFUSED


class Router(APIRouter):
    """As FastAPI's, with what all our routes have: an operation id that is their name, and that they may refuse.
    ``Service.asgi`` takes its routes as they are."""

    def __init__(self, **options: Any) -> None:
        super().__init__(generate_unique_id_function=lambda route: route.name, responses=REFUSED, **options)
