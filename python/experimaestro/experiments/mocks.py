"""Planning without what the tasks need to run."""

import re

from ..mkdocs.metaloader import DependencyInjectorFinder


def mock_modules(modules, decorators=()):
    """Stands in for modules, and all below them, that are slow to import or are not installed:
    everything in them is a class that does nothing. For the start of a script that only plans.
    Returns the finder, which sys.meta_path has.

    modules: their names, as "torch". decorators: names of decorators in them, as
    "torch.no_grad"; what they decorate stays as it is, which is so for every name.
    """
    names = "|".join(map(re.escape, modules))
    return DependencyInjectorFinder.install(re.compile(rf"(?:{names})(?:$|\.)"))
