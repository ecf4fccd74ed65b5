"""Rules at their owner: they may name lists of customers, and to stop one stops its SMS as well."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from alerts.customer_lists import NAMED_IN, Purpose
from alerts.rulebook import rule_kind
from alerts.stopping_library import StoppingLibrary
from servicekit.documents.library import Document


class RuleLibrary(StoppingLibrary):
    """``purposes`` says what the lists in force are for."""

    def __init__(self, *args: Any, purposes: Callable[[], Awaitable[Mapping[str, Purpose]]], **options: Any) -> None:
        self._named: Mapping[str, Purpose] = {}
        super().__init__(rule_kind(lambda: self._named), *args, **options)
        self._purposes = purposes

    async def checked(self, document: Document) -> Document:
        """Beside the lists of customers that it names."""
        if any(document.get(field) for field in NAMED_IN):
            self._named = await self._purposes()
        return await super().checked(document)
