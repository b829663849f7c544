"""Programs that are started on this machine."""

import os
import subprocess


class ProcessBuilder:
    """A program that is to be started.

        builder = LocalConnector.instance().processbuilder()
        builder.command = ["sort", "names.txt"]
        builder.stdout = "sorted.txt"
        builder.start().wait()

    command: its words, the first being the program. workingDirectory: where it starts.
    environ: variables, over those of this process.
    stdin, stdout, stderr: paths of files, or None: nothing is read, and output goes where that of this
        process goes. A file that is written is emptied first.
    detach: whether it has a session of its own, so that what ends this process leaves it alone.
    """

    def __init__(self):
        self.command = []
        self.workingDirectory = None
        self.environ = {}
        self.stdin = self.stdout = self.stderr = None
        self.detach = True

    def start(self):
        """Starts it: a subprocess.Popen. ValueError without a command; OSError when there is no such
        program, or a file cannot be opened."""
        if not self.command:
            raise ValueError("command: a program is started by its words, and there are none")
        opened = []
        try:
            for path, mode in ((self.stdin or os.devnull, "rb"), (self.stdout, "wb"), (self.stderr, "wb")):
                opened.append(None if path is None else open(path, mode))
            stdin, stdout, stderr = opened
            return subprocess.Popen(
                [str(word) for word in self.command],
                cwd=self.workingDirectory,
                env={**os.environ, **self.environ},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=self.detach,
            )
        finally:
            for file in filter(None, opened):
                file.close()
