"""Locks that processes share by a file: flock(2)."""

import fcntl
import os
import time

_PAUSE = 0.05  # seconds between two tries, when the wait has an end


class FileLock:
    """The exclusive lock of a file, in a `with`, or an `async with` that lets other coroutines run
    while it waits. The file is made when it is not there, and stays.

    path: the file. max_delay: how many seconds to wait for it; below 0, as long as it takes.
    TimeoutError when it was not free in that time; OSError when the file cannot be opened.
    """

    def __init__(self, path, max_delay=-1):
        self.path = os.fspath(path)
        self.max_delay = max_delay
        self._file = None

    def acquire(self):
        """Takes the lock. RuntimeError when this object has it."""
        if self._file is not None:
            raise RuntimeError(f"{self.path} is locked already")
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if self.max_delay < 0:
                fcntl.flock(file, fcntl.LOCK_EX)
            else:
                self._try(file)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def _try(self, file):
        end = time.monotonic() + self.max_delay
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{self.path} was locked by another for {self.max_delay} "
                                       "seconds") from None
            time.sleep(min(left, _PAUSE))

    def release(self):
        """Lets it go; nothing when it was not taken."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *error):
        self.release()

    async def __aenter__(self):
        import asyncio

        await asyncio.to_thread(self.acquire)
        return self

    async def __aexit__(self, *error):
        self.release()
