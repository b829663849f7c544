"""The command line of experiments that are described in files."""

from .helper import ExperimentHelper

__all__ = ["ExperimentHelper", "experiments_cli"]


def _make_command():
    import click

    class NotThere(click.ClickException, NotImplementedError):
        """What was asked for is not there yet."""

    @click.command("run-experiment", context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def experiments_cli(arguments):
        """Runs the experiment that a file of settings describes: not there yet."""
        raise NotThere(
            "run-experiment is not there yet: make the configuration in Python, and call the "
            "function inside `with experiment(workspace, name) as xp:`"
        )

    return experiments_cli


def __getattr__(name):
    # click is needed by those who use the command alone.
    if name != "experiments_cli":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = command = _make_command()
    return command
