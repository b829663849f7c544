"""Connectors: the machine on which a launcher works."""

from .local import Connector, LocalConnector
from .ssh import SshConnector

__all__ = ["Connector", "LocalConnector", "SshConnector"]
