"""Describes the machine that the figures come from."""

import os
import platform


def read(path, key):
    try:
        with open(path) as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(key))
    except (OSError, StopIteration):
        return "unknown"


def file_system(path):
    """The type of the file system that holds `path`: the longest mount point wins."""
    path, best = os.path.realpath(path), ("", "unknown")
    with open("/proc/mounts") as mounts:
        for mount in mounts:
            _, point, kind = mount.split()[:3]
            if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


def describe(workspaces, python):
    memory = read("/proc/meminfo", "MemTotal").split()[0]
    return {
        "processor": read("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{int(memory) / 2**20:.0f} GiB" if memory.isdigit() else memory,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": python,
        "workspaces on": file_system(workspaces),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
