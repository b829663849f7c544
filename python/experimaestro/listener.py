"""Listening to an experiment, in its process."""

import threading
import traceback

PERIOD = 0.1  # seconds between two looks at the states of jobs


class Listener:
    """Is told what happens in an experiment, if its addlistener was given it. Derive from it."""

    def on_job_submitted(self, job):
        """A Job was submitted."""

    def on_job_state_changed(self, job):
        """The state of a Job is another now. States that last less than a moment may be left
        out; the last one never is."""

    def on_service_added(self, service):
        """A Service was added. Called by add_service, in its thread."""


class Teller:
    """Tells the listeners of an experiment what its jobs do, from one thread."""

    def __init__(self, xp):
        self.listeners = []
        self._xp = xp
        self._states = {identifier: job.state for identifier, job in xp.jobs.items()}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="xpm-listeners")
        self._thread.start()

    def stop(self):
        """Tells what has happened so far, and ends."""
        self._end.set()
        self._thread.join()

    def _run(self):
        while not self._end.wait(PERIOD):
            self._look()
        self._look()

    def _look(self):
        for identifier, job in list(self._xp.jobs.items()):
            state = job.state
            known = self._states.get(identifier)
            self._states[identifier] = state
            if known is None:
                self._tell("on_job_submitted", job)
            if known != state:
                self._tell("on_job_state_changed", job)

    def _tell(self, name, argument):
        for listener in list(self.listeners):
            try:
                getattr(listener, name)(argument)
            except Exception:
                traceback.print_exc()
