"""The user's settings: ~/.config/experimaestro/settings.yaml."""

import json
import os
import sys
from pathlib import Path

from . import _engine


def config_folder():
    """The folder of the user's files: $XPM_CONFIG_DIR, or else ~/.config/experimaestro."""
    return Path(_engine.config_folder())


class WorkspaceSettings:
    """A workspace in the settings; other keys are kept in `more`.

    id: its name. path: its folder, a Path. env: variables of its jobs.
    triggers: patterns of names of experiments that go there ("digits-*").
    max_retries: how often a resumable task is tried again.
    """

    def __init__(self, id="", path=".", env=None, triggers=(), max_retries=3, **more):
        self.id = id
        self.path = Path(path) if "ssh" in more else Path(path).expanduser().absolute()
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
        for workspace in self.workspaces:
            _inherit(workspace, more)


def _inherit(workspace, more):
    """What a workspace does not say is as for all."""
    if "history" in more:
        workspace.more["history"] = {**more["history"], **workspace.more.get("history", {})}


def read_yaml(file):
    """What a file of YAML holds. OSError when it cannot be read; ValueError, with the file and the
    line, when it is none."""
    return json.loads(_engine.yaml(str(file)))


def _users_file():
    """The file to read for the user's settings, as the engine is told: None for the usual one. In
    tests of a program, which say so by sys._called_from_test, it has nothing."""
    return os.devnull if getattr(sys, "_called_from_test", False) else None


def get_settings(path=None):
    """The user's Settings, or those of a file; empty ones without the file. ValueError, with the
    file and the line, when it has not the content of settings."""
    if path and not Path(path).is_file():
        return Settings()
    return Settings(**json.loads(_engine.settings(str(path) if path else _users_file())))


def find_workspace(*, workspace=None, workdir=None, experiment_id=None):
    """The WorkspaceSettings to use: the one whose id is `workspace`, or of the folder `workdir`, or
    the first one with a trigger that matches the name of the experiment, or else the first one.
    ValueError when there is none."""
    return select(workspace, workdir, experiment_id)[0]


def select(workspace=None, workdir=None, experiment_id=None):
    """That WorkspaceSettings, and the user's Settings, of which the file is read once."""
    folder = os.fspath(workdir) if workdir else None
    id, path, text = _engine.select_workspace(
        _users_file(), workspace or None, folder, experiment_id or None
    )
    settings = Settings(**json.loads(text))
    found = next((known for known in settings.workspaces if known.id == id), None)
    if found is None:
        found = WorkspaceSettings()
        _inherit(found, settings.more)
    found.path = Path(path)
    return found, settings


def get_workspace(id=None, include_remote=False):
    """The WorkspaceSettings of an id, or the first one; None when there is none."""
    for found in get_settings().workspaces:
        if id in (None, found.id) and (include_remote or "ssh" not in found.more):
            return found
    return None
