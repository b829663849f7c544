"""Submit hooks: what changes the job when a task is submitted, because of a configuration in it."""

used = False  # whether any class has a hook: when none has, nothing is looked for


class SubmitHook:
    """Changes the environment of jobs; an instance decorates the class that needs it.

        class needs_java(SubmitHook):
            def __init__(self, version):
                self.version = version

            def spec(self):
                return self.version

            def process(self, job, launcher):
                job.environ["JAVA_HOME"] = find_java(self.version)

        @needs_java(11)
        class Index(Config):
            ...

    Of equal hooks, those of one class with equal spec(), one is applied to a job. Subclasses of the
    class do not have the hook.
    """

    def spec(self):
        """What tells two hooks of the class apart: anything that can be hashed."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method spec")

    def process(self, job, launcher):
        """Applies the hook to a job that is being submitted."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method process")

    def __eq__(self, other):
        return type(other) is type(self) and other.spec() == self.spec()

    def __hash__(self):
        return hash((type(self), self.spec()))

    def __call__(self, cls):
        return submit_hook_decorator(self)(cls)


def submit_hook_decorator(hook):
    """A decorator that gives a class of configurations a hook."""

    def decorate(cls):
        global used
        used = True
        cls.__submit_hooks__ = (*cls.__dict__.get("__submit_hooks__", ()), hook)
        return cls

    return decorate


def hooks_of(configs):
    """The distinct hooks of configurations."""
    found = {}
    for config in configs:
        for hook in config._class.cls.__dict__.get("__submit_hooks__", ()):
            found.setdefault(hook)
    return list(found)
