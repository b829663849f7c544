"""What the function of an experiment is called with."""


class ExperimentHelper:
    """Calls the function of an experiment, as function(helper, configuration), and helps it.

    xp: the experiment that runs. callable: the function.

        @ExperimentHelper.decorator
        def run(helper, configuration):
            Learn.C(rate=configuration.rate).submit()

    A subclass adds what its experiments have in common.
    """

    xp = None

    def __init__(self, callable):
        self.callable = callable

    def run(self, args, configuration):
        """Calls the function. ValueError for arguments, which this class has no use for."""
        if args:
            raise ValueError(f"the experiment takes no arguments, and was given {' '.join(args)}")
        self.callable(self, configuration)

    @classmethod
    def decorator(cls, *args, **kwargs):
        """Decorates the function of an experiment, which becomes a helper of this class; what else
        is given goes to the helper: @Helper.decorator, or @Helper.decorator(key=value)."""
        if len(args) == 1 and not kwargs and callable(args[0]):
            return cls(args[0])
        return lambda function: cls(function, *args, **kwargs)
