"""Starts programs for another process, and kills them, with all that came of them, when that is no
more: also when it was killed. It is told by lines of JSON, each a list: where the output goes, the
program's path, its arguments; it answers with the process. The end of its input is the end."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


class Keeper:
    """The side of who asks."""

    def __init__(self, environment):
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,  # Ctrl-C is not for it
        )

    def start(self, output, *argv):
        """Starts a program; the id of its process."""
        print(json.dumps([str(word) for word in (output, *argv)]), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def end(self):
        """Ends everything; it has ended when this returns."""
        self._process.stdin.close()
        self._process.wait()


def start(output, *argv):
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, append, 0o666),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(argv[0], argv, os.environ, file_actions=files, setsid=True,
                          setsigdef=[signal.SIGCHLD])


def parents():
    """The parent of each process there is."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            state, parent = file.read().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                found[int(name)] = int(parent)
    return found


def descendants():
    """What came of this process: as it takes the orphans, nothing gets away."""
    tree, found = parents(), {os.getpid()}
    while more := {child for child, parent in tree.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    for line in sys.stdin:
        print(start(*json.loads(line)), flush=True)
    while left := descendants():
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
