from collections.abc import Callable, Iterable, Mapping, MutableMapping
from enum import Enum, IntEnum
from os import PathLike
from pathlib import Path as Path
from types import TracebackType
from typing import Annotated as Annotated
from typing import Any as Any
from typing import ClassVar, Concatenate, Literal, ParamSpec, TypeAlias, TypeVar, overload

T = TypeVar("T")
_C = TypeVar("_C", bound=Config)
P = ParamSpec("P")
R = TypeVar("R")
Scalar: TypeAlias = bool | int | float | str | Path | Enum | None

__version__: str

class ConfigTypeError(ValueError, TypeError): ...

# ---- Annotations

Param: TypeAlias = Annotated[T, "Param"]
Meta: TypeAlias = Annotated[T, "Meta"]
Option: TypeAlias = Annotated[T, "Option"]
Constant: TypeAlias = Annotated[T, "Constant"]

class param_group:
    name: str
    def __init__(self, name: str) -> None: ...

class partial:
    name: str | None
    def __init__(
        self,
        *,
        exclude_groups: Iterable[param_group] = (),
        include_groups: Iterable[param_group] = (),
        exclude_all: bool = False,
        exclude_no_group: bool = False,
    ) -> None: ...

_Partial: TypeAlias = partial  # where an attribute has its name

class GenerationContext:
    path: Path
    def currentpath(self) -> Path: ...

class PathGenerator:
    path: str | Callable[..., str | Path]
    partial: _Partial | None
    def __init__(
        self,
        path: str | Callable[[], str | Path] | Callable[[GenerationContext, Any], str | Path],
        partial: _Partial | None = None,
    ) -> None: ...

def pathgenerator(
    path: str | Callable[[], str | Path] | Callable[[GenerationContext, Any], str | Path],
) -> PathGenerator: ...

class Choices:
    choices: tuple[Scalar, ...]
    def __init__(self, choices: Iterable[Scalar]) -> None: ...

# As dataclasses.field: typed as the value that the parameter has.
@overload
def field(
    *,
    default: T,
    ignore_default: bool = False,
    ignore_generated: bool = False,
    overrides: bool = False,
    groups: Iterable[param_group] = (),
    renamed_from: str | Iterable[str] = (),
) -> T: ...
@overload
def field(
    *,
    default_factory: PathGenerator,
    ignore_generated: bool = False,
    overrides: bool = False,
    groups: Iterable[param_group] = (),
    renamed_from: str | Iterable[str] = (),
) -> Path: ...
@overload
def field(
    *,
    default_factory: Callable[[], T],
    ignore_default: bool = False,
    ignore_generated: bool = False,
    overrides: bool = False,
    groups: Iterable[param_group] = (),
    renamed_from: str | Iterable[str] = (),
) -> T: ...
@overload
def field(
    *,
    ignore_default: Any = False,
    ignore_generated: bool = False,
    overrides: bool = False,
    groups: Iterable[param_group] = (),
    renamed_from: str | Iterable[str] = (),
) -> Any: ...

# ---- Configurations

class Identifier:
    all: bytes
    @property
    def main(self) -> bytes: ...
    def hex(self) -> str: ...

class Information:
    @property
    def identifier(self) -> Identifier: ...
    def partial_identifier(self, partial: str | partial) -> Identifier: ...
    def get_partial_identifier(self, partial: str | partial) -> Identifier: ...
    def mark_output(self, config: _C) -> _C: ...
    def dependency(self) -> Config: ...
    @property
    def job(self) -> Job | None: ...
    @property
    def task(self) -> Config | None: ...
    @property
    def meta(self) -> bool | None: ...
    @property
    def sealed(self) -> bool: ...
    @property
    def typename(self) -> str: ...
    @property
    def xpmtype(self) -> Any: ...

class _Maker:
    # M.C(...) makes a configuration of M, which is an M.
    def __get__(self, instance: Any, owner: type[_C]) -> type[_C]: ...

class Config:
    C: ClassVar[_Maker]
    XPMConfig: ClassVar[_Maker]
    # A call makes a configuration, by keywords; inside a task, a bare call makes an instance.
    def __init__(self, **parameters: Any) -> None: ...
    @property
    def __xpm__(self) -> Information: ...
    def tag(self: _C, name: str, value: Scalar) -> _C: ...
    def tags(self) -> TagDict: ...
    def copy(self: _C) -> _C: ...
    def seal(self: _C, directory: str | PathLike[str] | None = None) -> _C: ...
    def instance(self: _C, directory: str | PathLike[str] | None = None) -> _C: ...

class InstanceConfig(Config): ...

class LightweightTask(Config):
    def execute(self) -> None: ...

class Task(Config):
    __tags__: dict[str, Scalar]
    @property
    def __taskdir__(self) -> Path: ...
    @property
    def __maintaskdir__(self) -> Path: ...
    def execute(self) -> None: ...
    # What task_outputs returns: the task itself when there is no such method.
    def submit(
        self,
        workspace: Workspace | str | PathLike[str] | None = None,
        launcher: Launcher | None = None,
        run_mode: RunMode | None = None,
        init_tasks: Iterable[LightweightTask] = (),
        max_retries: int | None = None,
        transient: Any = None,
    ) -> Any: ...
    def add_dependencies(self: _C, *dependencies: Config) -> _C: ...
    def copy_dependencies(self: _C, other: Config) -> _C: ...
    @property
    def job(self) -> Job: ...
    @property
    def jobpath(self) -> Path: ...
    def stdout(self) -> Path: ...
    def stderr(self) -> Path: ...

class ResumableTask(Task): ...

class Prepare(Config):
    def prepare(self) -> None: ...

# What task_outputs and __submit__ are given as `dep`.
class DependentMarker:
    task: Task
    def __init__(self, task: Task) -> None: ...
    def __call__(self, config: _C) -> _C: ...

# ---- Actions

class Action(Config):
    def describe(self) -> str: ...
    def execute(self, interaction: Interaction) -> None: ...

class Interaction:
    def choice(self, key: str, label: str, choices: Iterable[str]) -> str: ...
    def checkbox(self, key: str, label: str, *, default: bool = False) -> bool: ...
    def text(self, key: str, label: str, *, default: str = "") -> str: ...

class CLIInteraction(Interaction):
    prefill: dict[str, str | bool]
    def __init__(self, prefill: Mapping[str, str | bool] | None = None) -> None: ...

class TagDict(dict[str, Scalar]):
    def __hash__(self) -> int: ...  # type: ignore[override]

def tag(value: T) -> T: ...
def tags(config: Config) -> TagDict: ...
def tagspath(config: Config) -> str: ...
@overload
def sealed_set(*configs: _C) -> set[_C]: ...
@overload
def sealed_set(configs: Iterable[_C], /) -> set[_C]: ...
def setmeta(config: _C, meta: bool | None) -> _C: ...
def cache(
    name: str,
) -> Callable[[Callable[Concatenate[Any, Path, P], R]], Callable[Concatenate[Any, P], R]]: ...

@overload
def deprecate(target: type[_C]) -> Any: ...
@overload
def deprecate(target: Callable[[Any, T], None]) -> Any: ...
@overload
def deprecate(
    target: type[Config] | None = None, *, replace: bool
) -> Callable[[type[_C]], type[_C]]: ...
def renamed_from(*names: str) -> Callable[[type[_C]], type[_C]]: ...

# ---- Experiments

class RunMode(Enum):
    NORMAL = "normal"
    DRY_RUN = "dry-run"
    GENERATE_ONLY = "generate-only"
    PREPARE = "prepare"

class JobState(IntEnum):
    UNSCHEDULED = 0
    WAITING = 1
    READY = 2
    SCHEDULED = 3
    RUNNING = 4
    DONE = 5
    ERROR = 6
    def finished(self) -> bool: ...
    def running(self) -> bool: ...
    def notstarted(self) -> bool: ...
    def is_error(self) -> bool: ...

class JobFailureStatus(Enum):
    DEPENDENCY = "dependency"
    FAILED = "failed"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOST = "lost"

class Job:
    identifier: str
    type: str
    name: str
    @property
    def environ(self) -> MutableMapping[str, str]: ...
    @property
    def path(self) -> Path: ...
    @property
    def stdout(self) -> Path: ...
    @property
    def stderr(self) -> Path: ...
    @property
    def state(self) -> JobState: ...
    @property
    def failure_reason(self) -> JobFailureStatus | None: ...
    def wait(self) -> JobState: ...

class Launcher:
    environ: dict[str, str]
    def __init__(self) -> None: ...
    def setenv(self, name: str, value: str) -> None: ...

class DirectLauncher(Launcher): ...

class SubmitHook:
    def spec(self) -> Any: ...
    def process(self, job: Job, launcher: Launcher) -> None: ...
    def __call__(self, cls: type[_C]) -> type[_C]: ...

def submit_hook_decorator(hook: SubmitHook) -> Callable[[type[_C]], type[_C]]: ...

class FailedExperiment(RuntimeError):
    jobs: list[Job]

class Workspace:
    path: Path
    def __init__(self, path: str | PathLike[str]) -> None: ...
    def same(self, other: Workspace | str | PathLike[str]) -> bool: ...
    def __fspath__(self) -> str: ...

class experiment:
    name: str
    jobs: dict[str, Job]
    launcher: Launcher | None
    raise_on_failure: bool
    def __init__(
        self,
        workspace: Workspace | str | PathLike[str],
        name: str,
        *,
        host: str | None = None,
        port: int | None = None,
        token: str | None = None,
        run_mode: RunMode | None = None,
        launcher: Launcher | None = None,
        jobs: int | None = None,
        raise_on_failure: bool = True,
    ) -> None: ...
    @staticmethod
    def current() -> experiment | None: ...
    def __enter__(self) -> experiment: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def failed(self) -> int: ...
    @property
    def runs(self) -> bool: ...
    @property
    def run_mode(self) -> RunMode: ...
    @property
    def workspace(self) -> Workspace: ...
    @property
    def run_id(self) -> str: ...
    @property
    def workdir(self) -> Path: ...
    @property
    def resultspath(self) -> Path: ...
    @property
    def jobspath(self) -> Path: ...
    def setenv(self, name: str, value: str, override: bool = True) -> None: ...
    def add_action(self, action: Action) -> str: ...
    def wait(self) -> None: ...
    def stop(self) -> None: ...
