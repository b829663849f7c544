"""Whether each configuration of a package is in its documentation."""

import re
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from ..config import Config

_DIRECTIVE = re.compile(r"^( *)\.\.\s+([\w:-]+)::[ \t]*(.*)$")
_DOCUMENTS = ("autoxpmconfig", "autoclass", "py:class", "class", "autotask", "autoconfig")


class DocumentationAnalyzer:
    """Compares the configurations of packages with those that the documentation shows.

        analyzer = DocumentationAnalyzer("docs/source/index.rst", {"mypackage"},
                                         {"mypackage.tests"})
        analyzer.analyze()
        analyzer.report()
        analyzer.assert_valid_documentation()

    doc_path: the first file of the documentation, in reStructuredText; those that its toctrees name
        are read too. modules: names of packages. excluded: names of modules to leave out, with
        all that is below them.

    After analyze(): configurations and documented are sets of names, as "package.module.Class";
    undocumented and falsy_documented lists of those that are in the one alone; parsing_errors and
    import_errors lists of texts. A subclass may change them.
    """

    def __init__(self, doc_path, modules, excluded=()):
        self.doc_path = Path(doc_path)
        self.modules = set(modules)
        self.excluded = set(excluded)
        self.configurations = set()
        self.documented = set()
        self.undocumented = []
        self.falsy_documented = []
        self.parsing_errors = []
        self.import_errors = []

    def analyze(self):
        """Reads the documentation, and imports the packages."""
        self._read(self.doc_path, set())
        for name in sorted(self.modules):
            self._look_in(name)
        self.undocumented = sorted(self.configurations - self.documented)
        self.falsy_documented = sorted(
            name
            for name in self.documented - self.configurations
            if self._is_ours(name) and not self._is_excluded(name) and not _exists(name)
        )

    def report(self, file=None):
        """Prints what is wrong, on standard output or to a file."""
        for line in self._problems(True) or ["every configuration is documented"]:
            print(line, file=file or sys.stdout)

    def assert_no_undocumented(self):
        """AssertionError when a configuration is not documented, or a file or module could not be
        read."""
        self._assert(False)

    def assert_valid_documentation(self):
        """The same, and when the documentation shows what does not exist."""
        self._assert(True)

    def _assert(self, all):
        problems = self._problems(all)
        if problems:
            raise AssertionError("\n".join(problems))

    def _problems(self, all):
        return [
            *self.parsing_errors,
            *self.import_errors,
            *(f"{name} is not documented" for name in self.undocumented),
            *(f"{name} is documented, and does not exist" for name in self.falsy_documented if all),
        ]

    # ---- The documentation --------------------------------------------------------------------

    def _read(self, path, known):
        if path in known:
            return
        known.add(path)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            self.parsing_errors.append(f"{path} cannot be read: {error.strerror}")
            return
        module = None
        for number, line in enumerate(lines):
            found = _DIRECTIVE.match(line)
            if found is None:
                continue
            indent, name, argument = found.groups()
            if name in ("currentmodule", "py:currentmodule", "module", "py:module"):
                module = argument.strip()
            elif name in _DOCUMENTS:
                self._add_documented(argument.strip(), module)
            elif name == "toctree":
                for entry in _content(lines[number + 1 :], len(indent)):
                    self._follow(path, entry, known)
            elif name == "include":
                self._read(path.parent / argument.strip(), known)

    def _add_documented(self, name, module):
        name = name.partition("(")[0].replace("::", ".").lstrip("~")
        self.documented.add(f"{module}.{name}" if module and "." not in name else name)

    def _follow(self, path, entry, known):
        """Reads what an entry of a toctree names: "file", "Title <file>", or a pattern."""
        target = entry.partition("<")[2].rstrip("> ") or entry
        if "://" in target or target == "self":
            return
        base = self.doc_path.parent if target.startswith("/") else path.parent
        target = target.lstrip("/")
        if "*" in target:
            for found in sorted(base.glob(target)):
                if found.suffix == ".rst":
                    self._read(found, known)
        elif not (base / f"{target}.md").exists() and Path(target).suffix not in (".md", ".ipynb"):
            self._read(base / (target if target.endswith(".rst") else f"{target}.rst"), known)

    # ---- The packages ---------------------------------------------------------------------------

    def _is_ours(self, name):
        return any(name == module or name.startswith(module + ".") for module in self.modules)

    def _is_excluded(self, name):
        return any(name == module or name.startswith(module + ".") for module in self.excluded)

    def _look_in(self, name):
        """Imports a module, and all that is below it, and adds their configurations."""
        if self._is_excluded(name):
            return
        try:
            module = import_module(name)
        except Exception as error:
            self.import_errors.append(f"{name} cannot be imported: {error!r}")
            return
        for value in list(vars(module).values()):
            if (
                isinstance(value, type)
                and issubclass(value, Config)
                and value.__module__ == name
                and "<locals>" not in value.__qualname__
            ):
                self.configurations.add(f"{name}.{value.__qualname__}")
        for below in iter_modules(getattr(module, "__path__", ())):
            self._look_in(f"{name}.{below.name}")


def _exists(name):
    """Whether there is something of the name "package.module.Class", a configuration or not."""
    module, _, qualname = name.rpartition(".")
    found = sys.modules.get(module)
    return found is not None and hasattr(found, qualname)


def _content(lines, indent):
    """The entries of a directive: the lines that are indented more, without its options."""
    for line in lines:
        text = line.strip()
        if text and len(line) - len(line.lstrip()) <= indent:
            return
        if text and not text.startswith(":"):
            yield text
