"""Connectors: the machine on which a launcher works."""

from .local import Connector, LocalConnector

__all__ = ["Connector", "LocalConnector"]
