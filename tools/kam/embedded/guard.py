"""Run a command so that it cannot outlive its parent: ``python -I -S guard.py PARENT_PID COMMAND…``.

The kernel sends SIGKILL to this process when the thread that forked it ends (PR_SET_PDEATHSIG survives exec), so a
supervisor killed with -9 leaves nothing behind. A separate tiny program, not a preexec_fn: that would run Python
between fork and exec of a process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have died between fork and prctl; then no signal will ever come.
    if os.getppid() != parent:
        sys.exit("parent is gone")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
