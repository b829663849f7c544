"""Identifiers of configurations."""

from .._engine import Identifier

__all__ = ["Identifier"]
