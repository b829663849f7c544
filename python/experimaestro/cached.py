"""@cache: a method that keeps its result in a file of the workspace."""

from . import _engine


class Cached:
    """A method with a @cache, on instances."""

    def __init__(self, name, method):
        self.name = name
        self.method = method
        self.__doc__ = method.__doc__
        self.__wrapped__ = method

    def __set_name__(self, owner, name):
        owner.__xpm_cached__ = True

    def __get__(self, instance, owner):
        if instance is None:
            return self

        def call(*args, **kwargs):
            return self.call(instance, args, kwargs)

        return call

    def call(self, instance, args, kwargs):
        from pathlib import Path

        from . import run

        identifier = instance.__dict__.get("__xpmidentifier__")
        if identifier is None or run.workspace is None:
            raise RuntimeError(
                f"{self.method.__qualname__} has a @cache: it can be called inside a running task, "
                "on the objects that the task was given"
            )
        cls = type(instance)
        module = "__main__" if cls.__module__ == "_main_" else cls.__module__
        handle, path = _engine.cache_lock(
            run.workspace, f"{module}.{cls.__qualname__}", identifier, self.name
        )
        try:
            return self.method(instance, Path(path), *args, **kwargs)
        finally:
            _engine.cache_unlock(handle)


def cache(name):
    """Gives a method the path of a file, made from the configuration's identifier, to keep its
    result in; no other task uses the file during the call.

        class Terms(Config):
            @cache("terms.npy")
            def load(self, path):
                if path.is_file():
                    return numpy.load(path)
                ...

        terms = self.terms.load()

    RuntimeError when it is called outside a running task; OSError when the file cannot be locked.
    """
    if callable(name):
        raise TypeError('@cache needs the name of the file: @cache("terms.npy")')
    return lambda method: Cached(name, method)
