"""Finding a launcher for what a task needs."""

from .registry import LauncherNotFoundError, LauncherRegistry, find_launcher
from .specs import (
    AcceleratorSpecification,
    CPUSpecification,
    CudaSpecification,
    HostRequirement,
    HostSimpleRequirement,
    HostSpecification,
    MPSSpecification,
    RequirementUnion,
    cpu,
    cuda_gpu,
    gpu,
    mps_gpu,
)

__all__ = [
    "AcceleratorSpecification",
    "CPUSpecification",
    "CudaSpecification",
    "HostRequirement",
    "HostSimpleRequirement",
    "HostSpecification",
    "LauncherNotFoundError",
    "LauncherRegistry",
    "MPSSpecification",
    "RequirementUnion",
    "cpu",
    "cuda_gpu",
    "find_launcher",
    "gpu",
    "mps_gpu",
]
