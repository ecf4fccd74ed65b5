"""Documents whose stop stops their SMS as well, rules and texts; one that comes into force again releases them."""

import contextlib
from typing import Any

from alerts.control_topic import ControlTopic, NotStopped
from contracts.documents import Placed
from servicekit.decision import Refused
from servicekit.documents.library import Library, Shown
from servicekit.documents.steps import placed_of


class StoppingLibrary(Library):
    """``control`` says what may not be sent, these documents by the name of their kind: ``rule/drop-30``."""

    def __init__(self, *args: Any, control: ControlTopic, **options: Any) -> None:
        super().__init__(*args, **options)
        self._control = control

    async def stop(self, id: str, *, by: str, why: str, shadow: bool = False, key: str | None = None) -> Shown:
        """Its SMS are held within a second, whatever the log is at; nothing new comes of it from one place of the log
        on. What runs in shadow sends none."""
        if shadow:
            return await super().stop(id, by=by, why=why, shadow=True, key=key)
        await self.get(id)
        if not placed_of(await self._steps_of(id)):
            return await super().stop(id, by=by, why=why, key=key)  # a draft, or it waits: there are no SMS of it
        await self._control.stop(self._what(id), by, why)
        try:
            return await super().stop(id, by=by, why=why, key=key)
        except Refused as refused:
            raise Refused(
                refused.code,
                f"它的短信已停发；{refused.zh}",
                f"its SMS are stopped; {refused.en}",
                refused.status,
                refused.field,
            ) from refused

    async def noted_anew(self, placed: Placed) -> None:
        """It is in force again: what its stop held back is decided on anew. Not before it is known what is stopped: the
        switch is told again."""
        if placed.state == "active" and not self._control.read.is_set():
            raise Refused(
                "starting",
                "已启用；停发名单尚在读取，其短信稍后恢复",
                "it is in force; what is stopped is still being read, and its SMS go again soon after",
                503,
            )
        standing = self._control.stops.get(self._what(placed.document_id))
        if placed.state == "active" and standing is not None and placed.at is not None and standing.at < placed.at:
            with contextlib.suppress(NotStopped):  # another worker was faster
                await self._control.release(standing.what, placed.by, placed.why)

    def _what(self, id: str) -> str:
        return f"{self.kind.name}/{id}"
