"""Services of an experiment: what shows or watches it while it runs, in its process."""

import threading
from abc import ABC, abstractmethod
from enum import Enum


class ServiceState(Enum):
    """The state of a service."""

    STOPPED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    ERROR = 4


class ServiceListener:
    """Is told when the state of a service changes, if the service's add_listener was given it."""

    def service_state_changed(self, service):
        """The state is another now."""


class Service(ABC):
    """A service: give it to experiment.add_service.

    id: its name, one component of a path. state: its ServiceState.
    """

    id: str

    def __init__(self, log_directory=None):
        self.log_directory = log_directory
        self.error = None
        self._state = ServiceState.STOPPED
        self._listeners = []

    def set_experiment(self, xp):
        """Called with the experiment that it is added to."""

    @abstractmethod
    def description(self):
        """What it is, for people."""

    def state_dict(self):
        """The arguments with which an equal service can be made: texts, numbers and Paths."""
        return {}

    def add_listener(self, listener):
        """Tells a ServiceListener of changes of state from now on."""
        self._listeners.append(listener)

    def remove_listener(self, listener):
        """Tells it no more."""
        self._listeners.remove(listener)

    @property
    def state(self):
        return self._state

    @state.setter
    def state(self, state):
        if state is not self._state:
            self._state = state
            for listener in list(self._listeners):
                listener.service_state_changed(self)

    def stop(self):
        """Stops it, if it runs. Called at the end of the experiment."""


class WebService(Service):
    """A service with pages. `_serve(running)` serves them until it is stopped: it sets self.url,
    then the event `running`. It is called in a thread, when get_url first is."""

    def __init__(self, log_directory=None):
        super().__init__(log_directory)
        self.url = None
        self._stopping = threading.Event()
        self._thread = None

    @abstractmethod
    def _serve(self, running): ...

    def get_url(self):
        """The address of its pages; starts it if need be. RuntimeError when it does not start."""
        if self._thread is None or not self._thread.is_alive():
            running = threading.Event()
            self.url = self.error = None
            self._stopping.clear()
            self.state = ServiceState.STARTING
            self._thread = threading.Thread(target=self._run, args=[running], daemon=True)
            self._thread.start()
            running.wait()
        if self.url is None:
            raise RuntimeError(f"the service {self.id} does not start: {self.error}")
        return self.url

    def _run(self, running):
        try:
            self._serve(running)
        except Exception as error:
            self.error = str(error)
        finally:
            self.state = ServiceState.ERROR if self.error else ServiceState.STOPPED
            running.set()

    def should_stop(self):
        """Whether _serve must return."""
        return self._stopping.is_set()

    def stop(self, timeout=2.0):
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)


class ProcessWebService(Service):
    """A service with pages, served by a program: `_build_command()` gives its command line, a list,
    and `_wait_for_ready()` returns the address once the program (self.process) serves it."""

    def __init__(self, log_directory=None):
        super().__init__(log_directory)
        self.url = self.process = None

    @abstractmethod
    def _build_command(self): ...

    @abstractmethod
    def _wait_for_ready(self): ...

    def get_url(self):
        """The address of its pages; starts the program if need be."""
        if self.process is None or self.process.poll() is not None:
            import subprocess

            self.state = ServiceState.STARTING
            self.process = subprocess.Popen(self._build_command(), stdin=subprocess.DEVNULL)
            try:
                self.url = self._wait_for_ready()
            except Exception:
                self.stop()
                self.state = ServiceState.ERROR
                raise
            self.state = ServiceState.RUNNING
        return self.url

    def stop(self, timeout=2.0):
        if self.process is None:
            return
        from subprocess import TimeoutExpired

        self.process.terminate()
        try:
            self.process.wait(timeout)
        except TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.state = ServiceState.STOPPED
