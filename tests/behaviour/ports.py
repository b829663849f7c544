"""Ports for servers that tests start."""

import contextlib
import random
import socket
from pathlib import Path

FIRST = 10000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")  # those that connections take by themselves


def free_ports(count):
    """Ports that nobody listens on, and that no connection takes before the server does."""
    last = max(int(RANGE.read_text().split()[0]), FIRST + 10000)
    with contextlib.ExitStack() as stack:
        ports = []
        while len(ports) < count:
            port = random.randrange(FIRST, last)
            with contextlib.suppress(OSError):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
        return ports
