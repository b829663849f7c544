"""Configurations of experiments: what a user sets for a whole experiment, as data."""

from copy import deepcopy
from dataclasses import MISSING, dataclass, field, is_dataclass

NOT_GIVEN = "???"  # what a required setting is until it is given, as in files of settings


def configuration(cls=None, **options):
    """Makes a class of settings: its annotations are the settings, given by keywords, and their
    values the defaults, which each object gets a copy of.

        @configuration
        class Learning(ConfigurationBase):
            rate: float = 1e-3
            layers: list[int] = [100, 10]

    options: of dataclasses.dataclass. TypeError when one without default is not given.
    """
    if cls is None:
        return lambda decorated: configuration(decorated, **options)
    for name in cls.__dict__.get("__annotations__", {}):
        default = cls.__dict__.get(name, MISSING)
        if isinstance(default, (list, dict, set)) or is_dataclass(default):
            setattr(cls, name, field(default_factory=lambda value=default: deepcopy(value)))
    return dataclass(**{"kw_only": True, **options})(cls)


@configuration
class ConfigurationBase:
    """What the configuration of every experiment has.

    id: the name of the experiment. title, subtitle, description, paper: for people.
    file, module: where the function `run` is: in a file beside, or in a module.
    pythonpath: folders where modules are found. imports: modules to import first.
    parent: the file of settings that this one changes.
    pre_experiment: a file to execute first, which may change the environment.
    add_timestamp: whether the time is added to the name, so that each run is another experiment.
    dirty_git: what to do about changes that are not committed: ignore, warn or error.
    grid_search: values to try, by path of the setting (see experiments.grid).
    """

    id: str = NOT_GIVEN
    file: str = "experiment"
    module: str | None = None
    pythonpath: list[str] | None = None
    parent: str | None = None
    imports: list[str] | None = None
    pre_experiment: str | None = None
    title: str = ""
    subtitle: str = ""
    paper: str = ""
    description: str = ""
    add_timestamp: bool = False
    dirty_git: str = "warn"
    grid_search: dict | None = None
