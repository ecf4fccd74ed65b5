"""``python -m alerts.trial``: an order as a line of JSON on standard input, progress and the result as such lines on
standard output. It ends when its input does: who started it is gone, or has called it off."""

import gc
import os
import sys
import threading

import msgspec
import pyarrow as pa

from alerts.trial.archive import Damaged
from alerts.trial.order import Failed, Order, Progress
from alerts.trial.run import run


def main() -> None:
    pa.set_memory_pool(pa.system_memory_pool())  # it gives back what a pile has taken
    gc.disable()  # millions of small objects that refer to no one in a circle
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        _say(run(order, lambda done, of: _say(Progress(done, of))))
    except Damaged as error:
        _say(_failed(error))
    except (OSError, pa.ArrowException) as error:
        _say(Failed(f"试算读写文件失败：{error}", f"the trial could not read or write its files: {error}"))


def _failed(damaged: Damaged) -> Failed:
    file, why = damaged.file, damaged.why
    return Failed(
        f"归档文件 {file} 损坏或缺失（{why}），试算已中止；请从备份恢复它，或将它移出归档（试算将不含其记录）再试",
        f"the file {file} of the archive is damaged or gone ({why}), so the trial has ended; bring it back from a "
        "backup, or move it out of the archive (its records are left out then), and try again",
    )


def _say(line: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_input() -> None:
    # Not through sys.stdin: at the end of the process its lock must be free.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
