"""An app that reads what another one of its process sends asks for it when all of that is sent."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from servicekit.service import Service
from servicekit.settings import ServiceSettings


class Processor:
    def __init__(self, app: str) -> None:
        self.app, self.is_at_work = SimpleNamespace(name=app), True
        self.on_empty: Callable[[], None] = lambda: None
        self.relay = self

    def ends(self) -> None:
        self.is_at_work = False
        self.on_empty()


@pytest.mark.parametrize(
    ("end", "hurries"),
    [([], 0), ([0], 0), ([0, 1], 0), ([2, 1, 0], 1), ([0, 1, 2], 1), ([0, 1, 3], 0), ([3], 0)],
)
def test_it_is_told_once_all_is_sent(tmp_path: Path, end: list[int], hurries: int) -> None:
    service = Service("alerts", ServiceSettings(service_data=tmp_path, kafka="127.0.0.1:9"))
    processors: list[Any] = [Processor(app) for app in ("ahead", "ahead", "ahead", "behind")]
    service.processors = processors
    told: list[None] = []
    consumer: Any = SimpleNamespace(hurry=lambda: told.append(None))
    service._let_follow("ahead", consumer)
    for n in end:
        processors[n].ends()
    assert len(told) == hurries
