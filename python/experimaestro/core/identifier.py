"""Identifiers of configurations."""

from ..config import Identifier

__all__ = ["Identifier"]
