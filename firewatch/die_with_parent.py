"""Run as a script: has the kernel kill this process when its parent dies, then becomes the command.

    python -SE die_with_parent.py PARENT_PID COMMAND...

A program of its own instead of a `preexec_fn`, which must not be used where threads run. Imports nothing
but the standard library.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def that_dies_with_us(command: Sequence[str]) -> tuple[str, ...]:
    """The command for a child that the kernel kills when the thread which starts it ends."""
    return sys.executable, "-SE", __file__, str(os.getpid()), *command


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # the parent died before the kernel knew
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])
