"""The user's settings: ~/.config/experimaestro/settings.yaml."""

import os
from pathlib import Path


def config_folder():
    """The folder of the user's files: $XPM_CONFIG_DIR, or else ~/.config/experimaestro."""
    folder = os.environ.get("XPM_CONFIG_DIR")
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder or f"{base}/experimaestro").expanduser()


class WorkspaceSettings:
    """A workspace in the settings; other keys are kept in `more`.

    id: its name. path: its folder, a Path. env: variables of its jobs.
    triggers: patterns of names of experiments that go there ("digits-*").
    max_retries: how often a resumable task is tried again.
    """

    def __init__(self, id="", path=".", env=None, triggers=(), max_retries=3, **more):
        self.id = id
        self.path = Path(path).expanduser().absolute()
        self.env = {key: str(value) for key, value in (env or {}).items()}
        self.triggers = list(triggers)
        self.max_retries = max_retries
        self.more = more

    def __fspath__(self):
        return str(self.path)

    def __repr__(self):
        return f"WorkspaceSettings({self.id!r}, {str(self.path)!r})"


class Settings:
    """The content of the file; other keys are kept in `more`.

    workspaces: a list of WorkspaceSettings. env: variables of all jobs. server: as in the file.
    """

    def __init__(self, workspaces=(), env=None, server=None, **more):
        self.workspaces = [
            given if isinstance(given, WorkspaceSettings) else WorkspaceSettings(**given)
            for given in workspaces
        ]
        self.env = {key: str(value) for key, value in (env or {}).items()}
        self.server = server
        self.more = more


def read_yaml(file):
    """What a file of YAML holds. ImportError when PyYAML is not installed; ValueError, with the file
    and the line, when it is none."""
    try:
        import yaml
    except ImportError as error:
        raise ImportError(f"{file} is read with PyYAML: pip install PyYAML") from error
    try:
        return yaml.safe_load(Path(file).read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: {error}") from error


def get_settings(path=None):
    """The user's Settings, or those of a file; empty ones without the file. ImportError when there
    is a file and PyYAML is not installed; ValueError when it has not the content of settings."""
    file = Path(path) if path else config_folder() / "settings.yaml"
    if not file.is_file():
        return Settings()
    try:
        return Settings(**(read_yaml(file) or {}))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{file}: {error}") from error


def find_workspace(*, workspace=None, workdir=None, experiment_id=None):
    """The WorkspaceSettings to use: the one whose id is `workspace`, or of the folder `workdir`, or
    the first one with a trigger that matches the name of the experiment, or else the first one.
    ValueError when there is none."""
    known = get_settings().workspaces
    if workspace:
        return _named(known, workspace, workdir)
    if workdir:
        folder = Path(workdir).expanduser().absolute()
        same = (found for found in known if found.path == folder)
        return next(same, None) or WorkspaceSettings(path=folder)
    local = [found for found in known if "ssh" not in found.more]
    triggered = (found for found in local if experiment_id and _triggers(found, experiment_id))
    found = next(triggered, None) or (local[0] if local else None)
    if found is None:
        raise ValueError(f"no workspace: name a folder with workdir, or list workspaces in "
                         f"{config_folder() / 'settings.yaml'}")
    return found


def get_workspace(id=None, include_remote=False):
    """The WorkspaceSettings of an id, or the first one; None when there is none."""
    for found in get_settings().workspaces:
        if id in (None, found.id) and (include_remote or "ssh" not in found.more):
            return found
    return None


def _named(known, name, workdir):
    for found in known:
        if found.id == name:
            if workdir is not None:
                found.path = Path(workdir).expanduser().absolute()
            return found
    raise ValueError(f"no workspace has the id {name}: the settings have "
                     f"{', '.join(found.id for found in known) or 'none'}")


def _triggers(workspace, experiment):
    from fnmatch import fnmatchcase

    return any(fnmatchcase(experiment, pattern) for pattern in workspace.triggers)
