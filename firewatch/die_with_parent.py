"""Run as a script: has the kernel kill this process when its parent dies, then becomes the command.

    python -SE die_with_parent.py PARENT_PID COMMAND...

A program of its own instead of a `preexec_fn`, which must not be used where threads run. Imports nothing
but the standard library.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # the parent died before the kernel knew
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])
