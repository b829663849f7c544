"""What a task needs of the machine that runs it, and what machines have.

What is needed is a text, or the same made of objects; each may be given where the other is:

    "duration=4 days & cuda(mem=4G) * 2 & cpu(mem=4G, cores=2) | cpu(cores=8)"
    duration("4 days") & cuda_gpu(mem="4G") * 2 & cpu(mem="4G", cores=2) | cpu(cores=8)

`|` separates alternatives, the preferred one first; `&` joins what one of them needs. Memory is in
bytes, or a text with its unit ("4G", of 1024 M each). An object never changes.
"""

from .._engine import Requirement

# ---- What machines have ---------------------------------------------------------------------------


def in_bytes(memory):
    """Memory as a number of bytes. ValueError when it is neither such a number, 0 or more, nor a
    text with its unit."""
    if isinstance(memory, str):
        return Requirement(f"cpu(mem={memory})").memory
    if not isinstance(memory, int) or memory < 0:
        raise ValueError(f"memory is {memory!r}: it must be a number of bytes, 0 or more, or a text "
                         "with its unit, as '4G'")
    return memory


class _Specification:
    """Something that is told by its attributes."""

    __slots__ = ()

    def _values(self):
        return [(name, getattr(self, name)) for name in self._names]

    def __eq__(self, other):
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self):
        return hash((type(self), *self._values()))

    def __repr__(self):
        given = ", ".join(f"{name}={value!r}" for name, value in self._values() if value)
        return f"{type(self).__name__}({given})"


class CPUSpecification(_Specification):
    """Memory, in bytes, and cores. 0 is not said: of what is needed, nothing; of a machine, enough."""

    __slots__ = _names = ("memory", "cores")

    def __init__(self, memory=0, cores=0):
        self.memory = in_bytes(memory)
        self.cores = cores


class AcceleratorSpecification(_Specification):
    """A GPU, of any kind when it is needed.

    memory: bytes; 0 is not said. model: its name, for people. min_memory: of a machine's, jobs that
    ask for less memory of it are not wanted there.
    """

    __slots__ = _names = ("memory", "model", "min_memory")
    _kind = 0

    def __init__(self, memory=0, model="", min_memory=0):
        self.memory = in_bytes(memory)
        self.model = model
        self.min_memory = in_bytes(min_memory)


class CudaSpecification(AcceleratorSpecification):
    """A GPU with CUDA."""

    __slots__ = ()
    _kind = 1


class MPSSpecification(AcceleratorSpecification):
    """A GPU of Apple, whose memory is the machine's."""

    __slots__ = ()
    _kind = 2


_kinds = (AcceleratorSpecification, CudaSpecification, MPSSpecification)


class HostSpecification(_Specification):
    """A machine.

    accelerators: its GPUs, a list of CudaSpecification or MPSSpecification; `cuda` is an older name
    for more of them. cpu: a CPUSpecification. max_duration: seconds that a job may run; 0 for any.
    min_gpu, min_memory: jobs that ask for fewer GPUs, or less memory (bytes), are not wanted there.
    priority: the score of a match. resources: others, a dict of name to count.

    What is not said of its memory, cores or duration is enough for any job.
    """

    __slots__ = _names = ("accelerators", "cpu", "max_duration", "min_gpu", "min_memory", "priority",
                          "resources")

    def __init__(self, *, accelerators=(), cuda=(), cpu=None, max_duration=0, min_gpu=0,
                 min_memory=0, priority=0, resources=None):
        self.accelerators = [*accelerators, *cuda]
        self.cpu = cpu or CPUSpecification()
        self.max_duration = max_duration
        self.min_gpu = min_gpu
        self.min_memory = in_bytes(min_memory)
        self.priority = priority
        self.resources = dict(resources or {})

    __hash__ = None  # its lists may be changed

    @property
    def cuda(self):
        """Its GPUs with CUDA."""
        return [gpu for gpu in self.accelerators if isinstance(gpu, CudaSpecification)]

    def _lower(self):
        gpus = [(gpu._kind, gpu.memory, gpu.min_memory) for gpu in self.accelerators]
        return (self.max_duration, self.cpu.memory, self.cpu.cores, gpus, self.resources,
                self.min_memory, self.min_gpu)


class MatchRequirement(_Specification):
    """A match. score: the machine's priority. requirement: the alternative, a HostSimpleRequirement."""

    __slots__ = _names = ("score", "requirement")

    def __init__(self, score, requirement):
        self.score = score
        self.requirement = requirement


# ---- What is needed -------------------------------------------------------------------------------


class HostRequirement:
    """What a task needs, made of a text: a HostSimpleRequirement, or a RequirementUnion when there
    are alternatives. str() of it is a text that means the same. ValueError, with a caret under what
    is wrong, when the text is not understood.

    `a & b` needs both, where the larger duration, memory and number of cores count, and GPUs and
    resources are added; `a | b` one of them, rather `a`; `gpu * n` n times the GPUs. Either side
    may be a text.
    """

    __slots__ = ("_native",)

    def __new__(cls, text):
        return _made(Requirement(text))

    @property
    def requirements(self):
        """The alternatives: a list of HostSimpleRequirement."""
        return [_made(native) for native in self._native]

    def match(self, host):
        """How a HostSpecification matches: a MatchRequirement, of the first alternative that the
        machine can meet; None when it can meet none."""
        index = self._native.match(*host._lower())
        return None if index < 0 else MatchRequirement(host.priority, _made(self._native[index]))

    def fit(self):
        """What this machine can give of it, and what it lacks, in words: (self, None) when it can meet
        one of the alternatives; else the first, with less. ValueError when XPM_RESOURCES is wrong."""
        fitted, lacks = self._native.fit()
        return (_made(fitted) if lacks else self), lacks

    def multiply_duration(self, coefficient):
        """The same with durations so many times as long. ValueError when the coefficient is not
        above 0."""
        return _made(self._native.stretch(coefficient))

    def __and__(self, other):
        return _combined(self, other, Requirement.__and__)

    def __rand__(self, other):
        return _combined(other, self, Requirement.__and__)

    def __or__(self, other):
        return _combined(self, other, Requirement.__or__)

    def __ror__(self, other):
        return _combined(other, self, Requirement.__or__)

    def __mul__(self, count):
        return _made(self._native * count) if isinstance(count, int) else NotImplemented

    __rmul__ = __mul__

    def __eq__(self, other):
        return str(self) == str(other) if isinstance(other, HostRequirement) else NotImplemented

    def __hash__(self):
        return hash(str(self))

    def __reduce__(self):
        return HostRequirement, (str(self),)

    def __str__(self):
        return str(self._native)

    def __repr__(self):
        return f"<{type(self).__name__} {self}>"


class HostSimpleRequirement(HostRequirement):
    """What is needed together: made of others (texts or objects), needs all of them."""

    __slots__ = ()

    def __new__(cls, *requirements):
        return _made(_folded(requirements, Requirement.__and__), cls)

    @property
    def duration(self):
        """How long the task lasts at most, in seconds; 0 when it is not said."""
        return self._native.duration

    @property
    def cpu(self):
        """Memory and cores: a CPUSpecification, 0 for what is not said."""
        return CPUSpecification(self._native.memory, self._native.cores)

    @property
    def accelerators(self):
        """The GPUs: a list of CudaSpecification, MPSSpecification, and AcceleratorSpecification for
        one of any kind, those with most memory first."""
        return [_kinds[kind](memory) for kind, memory in self._native.accelerators]

    @property
    def cuda_gpus(self):
        """Those of the GPUs that must have CUDA."""
        return [gpu for gpu in self.accelerators if isinstance(gpu, CudaSpecification)]

    @property
    def resources(self):
        """What else is needed: a dict, name to count."""
        return self._native.resources


class RequirementUnion(HostRequirement):
    """Alternatives: made of others (texts or objects), needs one of them, rather the first."""

    __slots__ = ()

    def __new__(cls, *requirements):
        return _made(_folded(requirements, Requirement.__or__), cls)

    def __iter__(self):
        return iter(self.requirements)

    def __len__(self):
        return len(self._native)


def _made(native, cls=None):
    if cls is HostSimpleRequirement and len(native) > 1:
        raise ValueError(f"{native} has alternatives: make a RequirementUnion of it")
    requirement = object.__new__(cls or (RequirementUnion if len(native) > 1 else HostSimpleRequirement))
    requirement._native = native
    return requirement


def _folded(requirements, combine):
    natives = [as_requirement(given)._native for given in requirements] or [Requirement("cpu()")]
    whole = natives[0]
    for native in natives[1:]:
        whole = combine(whole, native)
    return whole


def _combined(one, other, combine):
    if not all(isinstance(given, (str, HostRequirement)) for given in (one, other)):
        return NotImplemented
    return _made(_folded((one, other), combine))


def as_requirement(spec):
    """The HostRequirement that a text, or a HostRequirement, stands for. TypeError for anything
    else, ValueError when the text is not understood."""
    if isinstance(spec, HostRequirement):
        return spec
    if not isinstance(spec, str):
        raise TypeError(f"{spec!r} says nothing that a task needs: give a text, as "
                        "'duration=2h & cuda(mem=8G)', or a HostRequirement")
    return HostRequirement(spec)


def _memory(mem):
    return f"mem={mem}" if isinstance(mem, str) else f"mem={in_bytes(mem)}B"


def cpu(*, mem=None, cores=None):
    """Memory, and processor cores; nothing of what is not given."""
    parts = [_memory(mem)] if mem else []
    if cores is not None:
        parts.append(f"cores={cores}")
    return HostRequirement(f"cpu({', '.join(parts)})")


def _accelerator(name, mem):
    return HostRequirement(f"{name}({_memory(mem) if mem else ''})")


def cuda_gpu(*, mem=None):
    """A GPU with CUDA, and its memory."""
    return _accelerator("cuda", mem)


def mps_gpu(*, mem=None):
    """A GPU of Apple, and its memory."""
    return _accelerator("mps", mem)


def gpu(*, mem=None):
    """A GPU of any kind, and its memory."""
    return _accelerator("gpu", mem)


def duration(length):
    """How long the task lasts at most: "4 days", "2h", or seconds."""
    return HostRequirement(f"duration={length}{'' if isinstance(length, str) else 's'}")


def resource(name, count=1):
    """So many of what else exists in a limited number, by its name."""
    return HostRequirement(f"resource({name}) * {count}")
