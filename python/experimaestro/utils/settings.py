"""Settings that a program keeps in a file of JSON."""

import json
import os
from pathlib import Path


class JsonSettings:
    """Settings that are read from a file, and saved to it. A subclass has SCHEMA, a class with
    `load(content)`, which makes the settings of a dict, and `dump(settings)`, as those of
    marshmallow have.

    path: the file.
    """

    SCHEMA = None

    path = None

    @classmethod
    def load(cls, path):
        """Those of a file; as new when there is none. json.JSONDecodeError for another content."""
        path = Path(path)
        if path.is_file():
            settings = cls.SCHEMA().load(json.loads(path.read_text()))
        else:
            settings = cls()
        settings.path = path
        return settings

    def save(self):
        """Replaces the file: a reader sees the old content or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        new.write_text(json.dumps(self.SCHEMA().dump(self), indent=2) + "\n")
        new.replace(self.path)


def __getattr__(name):
    if name != "PathField":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from marshmallow import fields

    class PathField(fields.Field):
        """A Path, in a schema of marshmallow."""

        def _serialize(self, value, attr, obj, **more):
            return None if value is None else str(value)

        def _deserialize(self, value, attr, data, **more):
            return None if value is None else Path(value)

    globals()[name] = PathField
    return PathField
