"""Options of a command line (https://click.palletsprojects.com) made from parameters."""

from .declare import complete


class _Forward:
    """forwardoption.NAME(Class, name=None, **more): a decorator that adds the option --NAME to a
    click command, with the type, the default and the help of the parameter NAME of the class.

        @forwardoption.epochs(Learn)
        @click.command()
        def main(epochs): ...

    name: the option's, when it is another than the parameter's ("learning-epochs").
    AttributeError when the class has no such parameter.
    """

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Option([name])

    def __call__(self, *path):
        return _Option(list(path))


class _Option:
    def __init__(self, path):
        self.path = path

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Option([*self.path, name])

    def __call__(self, cls, name=None, **more):
        import click

        argument = self.argument(cls)
        option = "--" + (name or argument.name).replace("_", "-")
        settings = {"type": _TYPES.get(str(argument.type).rstrip("?")), "help": argument.help}
        if argument.default is not None:
            settings.update(default=argument.default, show_default=True)
        elif argument.required:
            settings.update(required=True)
        return click.option(option, **{**settings, **more})

    def argument(self, cls):
        """The Argument that the path leads to, through the classes of configurations in between."""
        for name in self.path[:-1]:
            cls = _argument(cls, name).type.config_class()
        return _argument(cls, self.path[-1])


def _argument(cls, name):
    arguments = complete(cls).cls.__getxpmtype__().arguments
    if name not in arguments:
        raise AttributeError(f"{cls.__qualname__} has no parameter {name}: it has {[*arguments]}")
    return arguments[name]


_TYPES = {"int": int, "float": float, "bool": bool, "str": str}

forwardoption = _Forward()
