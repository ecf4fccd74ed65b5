"""How a file ends: its receipt in Chinese and English, and the files put where they belong."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from billing_sync.domain.kinds import FILE_ORDER
from billing_sync.files import DATA, FileRejected, PairName
from billing_sync.inbox import Inbox
from billing_sync.loading import Loading
from contracts.misc import FileReceipt

Result = Literal["accepted", "partial", "rejected", "duplicate"]
_FOLDER = {"duplicate": "accepted"}


class Outcomes:
    """Makes receipts and carries them out. ``now`` gives system time."""

    def __init__(self, inbox: Inbox, now: Callable[[], datetime]) -> None:
        self._inbox, self._now = inbox, now

    def loaded(self, name: PairName, loading: Loading) -> Loading:
        """Every row was dealt with."""
        return self._end(name.stem, name, loading, "partial" if loading.rejected else "accepted")

    def rejected(self, stem: str, name: PairName | None, loading: Loading, why: FileRejected) -> Loading:
        """The whole file can't be taken."""
        return self._end(stem, name, loading, "rejected", reason_zh=why.zh, reason_en=why.en)

    def duplicate(self, name: PairName, loading: Loading) -> Loading:
        """The same file was taken before."""
        return self._end(
            name.stem,
            name,
            loading,
            "duplicate",
            reason_zh="此文件已收过，内容相同，未重复入库",
            reason_en="this file was taken before with the same content; nothing was loaded again",
        )

    def _end(self, stem: str, name: PairName | None, loading: Loading, result: Result, **reason: Any) -> Loading:
        folder = _FOLDER.get(result, result)
        receipt = FileReceipt(
            file=stem + DATA if name else self._inbox.called(stem),
            result=result,
            rows_read=loading.done,
            loaded=loading.loaded,
            unchanged=loading.unchanged,
            rejected=loading.rejected,
            unknown_customer=loading.unknown_customer,
            stale=loading.stale,
            cleared=loading.cleared,
            amount=loading.amount,
            started=loading.started,
            ended=self._now(),
            business_date=name.date if name else None,
            notes=loading.notes,
            **reason,
        )
        target = self._inbox.free_name(folder, stem)
        return msgspec.structs.replace(loading, receipt=receipt, folder=folder, target=target)

    def carry_out(self, loading: Loading) -> None:
        """Write what stands beside the file and move it; the same again after a kill in the middle."""
        stem, folder, target, receipt = loading.stem, loading.folder, loading.target, loading.receipt
        assert receipt is not None
        rejects = self._inbox.rejects(stem)
        if receipt.result == "partial" and rejects.exists():
            rejects.replace(self._inbox.root / folder / f"{target}.rej")
        rejects.unlink(missing_ok=True)
        if receipt.result == "rejected":
            why = f"{receipt.file}\n{receipt.reason_zh}\n{receipt.reason_en}\n"
            self._inbox.write(folder, f"{target}.why", why.encode())
        text = msgspec.json.format(msgspec.json.encode(receipt), indent=2)
        self._inbox.write(folder, f"{target}.rcp", text + b"\n")
        self._inbox.move(stem, folder, target)


def notes_of_absence(name: PairName, loading: Loading) -> tuple[str, ...]:
    """What a snapshot's receipt says of records that it does not name."""
    if name.kind.name == "ARR" and loading.unreadable:
        n = loading.unreadable
        return (
            f"有 {n} 行读不出客户号，本次不按缺席销欠 / {n} rows name no customer, so absence clears no debt this time",
        )
    if not loading.absent:
        return ()
    some = ", ".join(loading.absent_named)
    return (
        f"差异：{loading.absent} 条已知记录不在本文件中（未作处理），如 {some} / "
        f"drift: {loading.absent} known records are not in this file (nothing done), e.g. {some}",
    )


def no_data(name: PairName) -> FileRejected:
    """A control file alone."""
    return FileRejected(
        f"只有 .chk，没有 {name.file}；请先送数据文件，再送 .chk",
        f"a .chk without {name.file}; deliver the data file first, then the .chk",
    )


def no_name(name: str) -> FileRejected:
    """A file that is no half of a pair."""
    form, kinds = "<KIND>_<CITY>_<yyyymmdd>_<seq4>.dat.gz", ", ".join(FILE_ORDER)
    return FileRejected(
        f"文件名 {name} 不合约定 {form}（KIND：{kinds}）；请改名后重送",
        f"the name {name} is not {form} (KIND: {kinds}); rename it and deliver again",
    )
