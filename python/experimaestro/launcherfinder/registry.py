"""The files of the user's folder that say which launchers, tokens and connectors there are."""

from pathlib import Path

from ..connectors.local import LocalConnector
from ..launcher import DirectLauncher, Launcher
from . import parser, specs

__all__ = ["LauncherNotFoundError", "LauncherRegistry", "find_launcher", "parser", "specs"]


class LauncherNotFoundError(Exception):
    """No launcher has what is needed."""


def find_launcher(*needed, tags=frozenset()):
    """A launcher for jobs that need what one of the specifications says: the first one that can be
    met. A specification is a text, or an object made with experimaestro.launcherfinder.specs:

        find_launcher("duration=4 days & cuda(mem=4G)*2 & cpu(mem=4G, cores=2)")

    tags: names that the user's file launchers.py understands.

    That file, in the folder of LauncherRegistry, has a function find_launcher(requirements, tags),
    which is called with one alternative after the other, each a HostSimpleRequirement, and returns a
    Launcher or None. LauncherNotFoundError when it is None for all. Without the file it is a
    DirectLauncher, with what is asked for as its `requirement`; of what this machine can never give,
    as much as it has, with a warning that says what is lacking.

    TypeError or ValueError for a specification that is none.
    """
    requirement = specs.RequirementUnion(*needed)
    return LauncherRegistry.instance().find(requirement, tags)


class LauncherRegistry:
    """The folder of the user's files: by default $XPM_CONFIG_DIR, or else ~/.config/experimaestro."""

    _instance = None

    def __init__(self, folder=None):
        self.folder = folder
        self._loaded = None, None  # the file launchers.py as it was, and its module
        self._told = set()  # what this machine lacks, and of what

    @staticmethod
    def instance():
        """The only one."""
        if LauncherRegistry._instance is None:
            LauncherRegistry._instance = LauncherRegistry()
        return LauncherRegistry._instance

    @staticmethod
    def set_config_dir(folder):
        """Says where the folder is; None for the default."""
        LauncherRegistry.instance().folder = folder

    def file(self, name):
        """The path of a file of the folder, whether it exists or not."""
        from ..settings import config_folder

        return Path(self.folder or config_folder()).expanduser() / name

    def find(self, requirement, tags=frozenset()):
        """The launcher for a HostRequirement: see find_launcher."""
        file = self.file("launchers.py")
        if not file.exists():
            return self._this_machine(file, requirement)
        tags = {tags} if isinstance(tags, str) else set(tags)
        for alternative in requirement.requirements:
            launcher = self.ask(file, alternative, tags)
            if launcher is not None:
                return launcher
        wanted = "".join(f"\n  {alternative}" for alternative in requirement.requirements)
        tagged = f"\nwith the tags {', '.join(sorted(tags))}" if tags else ""
        raise LauncherNotFoundError(f"{file} has no launcher for{wanted}{tagged}")

    def _this_machine(self, file, requirement):
        """Who describes no other machine has this one: a program for larger ones runs on it too."""
        import warnings

        launcher = DirectLauncher()
        launcher.requirement, lacks = requirement.fit()
        if lacks and (requirement, lacks) not in self._told:
            self._told.add((requirement, lacks))
            warnings.warn(f"this machine lacks some of {requirement}: {lacks.rstrip('.')}. Jobs start "
                          f"with {launcher.requirement}. Other machines are described in {file}",
                          stacklevel=4)
        return launcher

    def ask(self, file, requirement, tags=frozenset()):
        """What the function of the file launchers.py gives for one alternative: a Launcher, or None."""
        launcher = self._load(file)(requirement, set(tags))
        if launcher is not None and not isinstance(launcher, Launcher):
            raise TypeError(f"{file}: find_launcher returned {launcher!r}: it must return a Launcher, "
                            "or None")
        return launcher

    def _load(self, file):
        import sys
        from importlib.util import module_from_spec, spec_from_file_location

        state = file.stat()
        known = str(file), state.st_mtime_ns, state.st_size
        if self._loaded[0] != known:
            spec = spec_from_file_location("experimaestro_launchers", file)
            module = sys.modules[spec.name] = module_from_spec(spec)
            spec.loader.exec_module(module)
            self._loaded = known, module
        find = getattr(self._loaded[1], "find_launcher", None)
        if not callable(find):
            raise ValueError(f"{file} has no function find_launcher(requirements, tags)")
        return find

    def getToken(self, name):
        """The CounterToken of a name in tokens.yaml. ValueError when there is none, or it is wrong."""
        file, total = self._entry("tokens.yaml", name, "token")
        connector = LocalConnector.instance()
        if isinstance(total, dict):
            check_keys(file, name, total, "total", "connector")
            if "connector" in total:
                connector = self.getConnector(total["connector"])
                if not connector.is_here:
                    raise ValueError(f"{file}: {name}: tokens are of this machine, and the connector "
                                     f"{total['connector']!r} is of another")
            total = total.get("total")
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise ValueError(f"{file}: {name}: the total is {total!r}: it must be a whole number, 0 or "
                             f"more, as in `{name}: 4` or `{name}: {{total: 4}}`")
        return connector.createtoken(name, total)

    def getConnector(self, name):
        """The connector of a name in connectors.yaml; "local" is this machine, unless the file says
        otherwise. ValueError when there is none, or it is wrong."""
        file, entry = self._entry("connectors.yaml", name, "connector", {"local": {}})
        if not isinstance(entry, dict):
            raise ValueError(f"{file}: {name}: expected what it is, as `{name}: {{type: local, "
                             f"localpath: FOLDER}}`, and not {entry!r}")
        kind = entry.get("type", "local")
        if kind == "ssh":
            return _ssh_connector(file, name, entry)
        check_keys(file, name, entry, "type", "localpath")
        if kind != "local":
            raise ValueError(f"{file}: {name}: the type is {kind!r}: it must be local or ssh")
        localpath = entry.get("localpath")
        return LocalConnector(localpath) if localpath else LocalConnector.instance()

    def _entry(self, filename, name, what, known=None):
        from ..settings import read_yaml

        file = self.file(filename)
        entries = read_yaml(file) if file.exists() else None
        if not isinstance(entries, (dict, type(None))):
            raise ValueError(f"{file}: expected a {what}'s name and what it is on each line, and not "
                             f"{entries!r}")
        entries = {**(known or {}), **(entries or {})}
        if name not in entries:
            raise ValueError(f"{file} has no {what} {name!r}: it has {', '.join(map(str, entries)) or 'none'}")
        return file, entries[name]


def check_keys(file, name, entry, *keys):
    """ValueError when an entry of a file has other keys."""
    for key in entry:
        if key not in keys:
            raise ValueError(f"{file}: {name}.{key} means nothing: it may have {' and '.join(keys)}")


def _ssh_connector(file, name, entry):
    """The connector of an entry of type ssh, whose other keys are the arguments of SshConnector."""
    from dataclasses import fields

    from ..connectors.ssh import SshConnector

    check_keys(file, name, entry, "type", *(field.name for field in fields(SshConnector)))
    arguments = {key: value for key, value in entry.items() if key != "type"}
    try:
        return SshConnector(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: {name}: {error}") from None
