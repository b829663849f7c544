"""Experiments that are described by a function and a configuration of their own."""

from .configuration import ConfigurationBase, configuration
from .grid import GridSearch, generate_grid
from .helper import ExperimentHelper
from .mocks import mock_modules

__all__ = ["ConfigurationBase", "ExperimentHelper", "GridSearch", "configuration",
           "generate_grid", "mock_modules"]
