"""Texts and the SMS policy at their owner: what is in force, or waits for its day, of one must go with the other."""

from collections.abc import Callable
from typing import Any

import msgspec

from alerts.notifications.policybook import read_policy
from alerts.notifications.textbook import misfits, read_text
from alerts.stopping_library import StoppingLibrary
from servicekit.documents.fault import Checker, Faulty
from servicekit.documents.library import Library, Shown

_COUNTS = ("active", "scheduled")


class TextLibrary(StoppingLibrary):
    """``policies``: those that wait for their day; the kind itself checks texts by what is in force."""

    def __init__(self, *args: Any, policies: Callable[[], Library], **options: Any) -> None:
        super().__init__(*args, **options)
        self._policies = policies

    async def checked(self, document: dict[str, Any]) -> dict[str, Any]:
        plain = await super().checked(document)
        checker, text = Checker(), read_text(plain)
        for shown in await _counting(self._policies()):
            for _, fault in misfits(read_policy(shown.version.document), text):
                version = shown.version.version
                checker.under(fault.field).say(
                    f"按短信策略第 {version} 版：{fault.zh}", f"by version {version} of the SMS policy: {fault.en}"
                )
        return _unless(checker, plain)


class PolicyLibrary(Library):
    """``texts``: those that the policy must have room for."""

    def __init__(self, *args: Any, texts: Library, **options: Any) -> None:
        super().__init__(*args, **options)
        self._texts = texts

    async def checked(self, document: dict[str, Any]) -> dict[str, Any]:
        plain = await super().checked(document)
        checker, policy = Checker(), read_policy(plain)
        for shown in await _counting(self._texts):
            id, version = shown.version.id, shown.version.version
            for field, fault in misfits(policy, read_text(shown.version.document)):
                checker.under(field).say(
                    f"模板 {id} 第 {version} 版的 {fault.field}：{fault.zh}；或不改此项",
                    f"{fault.field} of the text {id}, version {version}: {fault.en}; or leave this as it was",
                )
        return _unless(checker, plain)


async def _counting(library: Library) -> list[Shown]:
    """Versions in force, or that wait for their day; what this release can't read stands in nobody's way."""
    return [shown for shown in await library.held() if shown.state in _COUNTS and _is_readable(library, shown)]


def _is_readable(library: Library, shown: Shown) -> bool:
    try:
        library.kind.read(shown.version.document)
    except msgspec.ValidationError:
        return False
    return True


def _unless(checker: Checker, plain: dict[str, Any]) -> dict[str, Any]:
    """Raises ``Faulty``."""
    if checker.faults:
        raise Faulty(checker.faults)
    return plain
