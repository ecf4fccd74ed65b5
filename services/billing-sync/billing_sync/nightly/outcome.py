"""How a file ends: its receipt in Chinese and English, and the files put where they belong."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from billing_sync.domain.kinds import FILE_ORDER
from billing_sync.nightly.held import Held
from billing_sync.nightly.inbox import RELEASE, Inbox
from billing_sync.nightly.loading import Loading, Taken
from billing_sync.nightly.names import CONTROL, PairName, Stray, names_no_date
from billing_sync.nightly.reading import FileRejected
from contracts.misc import FileReceipt

Result = Literal["accepted", "partial", "rejected", "duplicate", "held"]
_FOLDER = {"duplicate": "accepted"}


class Outcomes:
    """Makes receipts and carries them out. ``now`` gives system time."""

    def __init__(self, inbox: Inbox, now: Callable[[], datetime]) -> None:
        self._inbox, self._now = inbox, now

    def loaded(self, name: PairName, loading: Loading) -> Loading:
        """Every row was dealt with."""
        return self._end(name.file, name, loading, "partial" if loading.rejected else "accepted")

    def rejected(self, file: str, name: PairName | None, loading: Loading, why: FileRejected) -> Loading:
        """The whole file can't be taken."""
        return self._end(file, name, loading, "rejected", reason_zh=why.zh, reason_en=why.en)

    def held(self, name: PairName, loading: Loading, release: Held, why: FileRejected) -> Loading:
        """It waits, whole, for a person's word."""
        made = self._end(name.file, name, loading, "held", reason_zh=why.zh, reason_en=why.en, release_id=release.id)
        return msgspec.structs.replace(made, release=msgspec.structs.replace(release, target=made.target))

    def duplicate(self, name: PairName, loading: Loading) -> Loading:
        """The same file was taken before."""
        return self._end(
            name.file,
            name,
            loading,
            "duplicate",
            reason_zh="此文件已收过，内容相同，未重复入库",
            reason_en="this file was taken before with the same content; nothing was loaded again",
        )

    def _end(self, file: str, name: PairName | None, loading: Loading, result: Result, **reason: Any) -> Loading:
        folder = _FOLDER.get(result, result)
        receipt = FileReceipt(
            file=file,
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
        target = self._inbox.free_name(folder, loading.stem)
        return msgspec.structs.replace(loading, receipt=receipt, folder=folder, target=target)

    def carry_out(self, loading: Loading) -> None:
        """Write what stands beside the file and move it; the same again after a kill in the middle."""
        stem, folder, target, receipt = loading.stem, loading.folder, loading.target, loading.receipt
        assert receipt is not None
        if receipt.result == "partial":
            self._inbox.put_rejects(stem, folder, target)
        self._inbox.rejects(stem).unlink(missing_ok=True)
        if receipt.result in ("rejected", "held"):
            why = f"{receipt.file}\n{receipt.reason_zh}\n{receipt.reason_en}\n"
            self._inbox.write(folder, f"{target}.why", why.encode())
        if loading.release is not None:
            self._inbox.write(folder, f"{target}{RELEASE}", _written(loading.release))
        self._inbox.write(folder, f"{target}.rcp", _written(receipt))
        self._inbox.put_away(stem, folder, target)


def _written(what: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(what), indent=2) + b"\n"


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


def baseline_note(last: date) -> str:
    """What the receipt of a file of a first load says."""
    return (
        f"基线装载（至 {last}）：预警与工单照常，不发短信 / "
        f"baseline load (up to {last}): alerts and work items as ever, no SMS comes of it"
    )


def no_data(name: PairName) -> FileRejected:
    """A control file alone."""
    return FileRejected(
        f"只有 .chk，没有 {name.file}；请先送数据文件，再送 .chk",
        f"a .chk without {name.file}; deliver the data file first, then the .chk",
    )


def no_control(name: PairName) -> FileRejected:
    """A data file alone that nobody follows up."""
    return FileRejected(
        f"只有 {name.file}，没有 {name.stem}{CONTROL}；请补送 .chk（文件留在原处等候）",
        f"{name.file} without its {CONTROL}; deliver the {CONTROL} (the file waits where it is)",
    )


def left_in_place(error: OSError) -> str:
    """Note of a receipt whose file could not be moved."""
    return f"文件无法移走（{error.strerror}），留在原处 / it can't be moved ({error.strerror}) and stays where it is"


def replaced(file: str) -> FileRejected:
    """What an interruption left behind, while a newer one lies in the inbox."""
    return FileRejected(
        f"{file} 在接收途中中断，已有更新的文件；如仍需要请重新传送",
        f"taking over {file} was interrupted, and there is a newer one; deliver it again if it is still wanted",
    )


def late(name: PairName, last: Taken, at: datetime) -> FileReceipt:
    """A file that comes after its successor."""
    return FileReceipt(
        file=name.file,
        result="late",
        started=at,
        ended=at,
        business_date=name.date,
        reason_zh=f"晚于 {last.stem} 到达；照常入库，但旧数据不覆盖新数据",
        reason_en=f"comes after {last.stem}; it is loaded, but older facts overwrite no newer ones",
    )


def missing(file: str, at: datetime, zh: str, en: str, day: date | None = None) -> FileReceipt:
    """A file that was expected and has not come."""
    return FileReceipt(file=file, result="missing", started=at, ended=at, business_date=day, reason_zh=zh, reason_en=en)


def taken_away(loading: Loading) -> FileRejected:
    """A pair that vanished from .work in the middle."""
    return FileRejected(
        f"文件在入库途中被移走（已处理 {loading.done} 行）；请重新传送，已入库的行不会重复",
        f"the files were taken away while being loaded (after {loading.done} rows); deliver them again, "
        "no row is loaded twice",
    )


def unreadable(error: OSError) -> FileRejected:
    """A file that could not be read, again and again."""
    return FileRejected(
        f"文件多次读取失败（{error.strerror}）；请检查磁盘后重送",
        f"the file could not be read, again and again ({error.strerror}); check the disk and deliver it again",
    )


def no_name(stray: Stray) -> FileRejected:
    """A file that is no half of a pair."""
    if not stray.plain:
        return FileRejected(
            f"{stray.file} 不是普通文件（目录、链接或管道）；请直接放入数据文件与 .chk",
            f"{stray.file} is no plain file (a folder, link or pipe); deliver the data file and the .chk themselves",
        )
    if names_no_date(stray.stem):
        day = stray.stem.split("_")[2]
        return FileRejected(
            f"文件名 {stray.file} 中的日期 {day} 不存在；请改名后重送",
            f"the name {stray.file} says {day}, and there is no such date; rename it and deliver again",
        )
    form, kinds = "<KIND>_<CITY>_<yyyymmdd>_<seq4>.dat.gz", ", ".join(FILE_ORDER)
    return FileRejected(
        f"文件名 {stray.file} 不合约定 {form}（KIND：{kinds}）；请改名后重送",
        f"the name {stray.file} is not {form} (KIND: {kinds}); rename it and deliver again",
    )
