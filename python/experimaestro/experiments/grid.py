"""Trying several values of the settings of an experiment: all their combinations."""

from copy import deepcopy
from dataclasses import fields, is_dataclass
from itertools import product
from typing import Annotated, get_args, get_type_hints


class _Searched:
    """Marks a setting of which several values may be given."""


class GridSearch:
    """`rate: GridSearch[float] = 0.1` declares a setting that may be given several values: a list,
    {"range": [start, stop, step]} (as Python's range), or {"range_mult": [start, count, factor]}
    for start, start * factor, ... "values_range" and "values_mult" are the same."""

    def __class_getitem__(cls, type):
        return Annotated[type, _Searched]


def generate_grid(configuration):
    """The combinations of a configuration's searched settings: a list of configurations, each a
    copy with one value for each, and the list of what was set in each, dicts by path ("model.size").
    `grid_search`, if the configuration has it, is a dict of further ones, by path.

    ValueError when a search is not understood; AttributeError when there is no such setting.
    """
    searches = {}
    _gather(configuration, "", searches)
    given = getattr(configuration, "grid_search", None) or {}
    searches.update((path, _values(path, search, True)) for path, search in given.items())
    for path in given:
        _read(configuration, path)
    combinations = [dict(zip(searches, values)) for values in product(*searches.values())]
    return [_changed(configuration, settings) for settings in combinations], combinations


def _gather(configuration, prefix, searches):
    """Adds the settings with several values of a configuration, and of those in it."""
    hints = get_type_hints(type(configuration), include_extras=True)
    for field in fields(configuration):
        value = getattr(configuration, field.name)
        path = prefix + field.name
        if is_dataclass(value):
            _gather(value, path + ".", searches)
        elif _Searched in get_args(hints[field.name])[1:]:
            values = _values(path, value, False)
            if values is not None:
                searches[path] = values


def _values(path, search, alone):
    """The list of values of a search; one value is None, or if `alone` a list of it."""
    if isinstance(search, (list, tuple)):
        return list(search)
    if not isinstance(search, dict):
        return [search] if alone else None
    try:
        ((kind, numbers),) = search.items()
        if kind in ("range", "values_range"):
            return list(range(*numbers))
        if kind in ("range_mult", "values_mult"):
            start, count, factor = numbers
            return [start * factor**i for i in range(count)]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {search!r} is no search: {error}") from error
    raise ValueError(f"{path}: {search!r} is no search: give a list, range or range_mult")


def _read(configuration, path):
    for name in path.split("."):
        configuration = getattr(configuration, name)
    return configuration


def _changed(configuration, settings):
    changed = deepcopy(configuration)
    for path, value in settings.items():
        owner, _, name = path.rpartition(".")
        setattr(_read(changed, owner) if owner else changed, name, value)
    return changed
