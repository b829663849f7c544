"""An extension of Sphinx: `.. autoxpmconfig:: package.module.Class` documents a configuration, as
autoclass does, with its parameters."""

from inspect import isclass

from sphinx.ext.autodoc import ClassDocumenter

from ..config import Config


class ConfigDocumenter(ClassDocumenter):
    """Documents a class of configurations."""

    objtype = "xpmconfig"
    directivetype = "class"
    priority = ClassDocumenter.priority + 1

    @classmethod
    def can_document_member(cls, member, membername, isattr, parent):
        return isclass(member) and issubclass(member, Config)

    def format_args(self, **more):
        return None  # every configuration is made by keywords: the parameters are listed below

    def add_content(self, more_content):
        super().add_content(more_content)
        source = self.get_sourcename()
        self.add_line("", source)
        for argument in self.object.__getxpmtype__().arguments.values():
            self.add_line(_entry(argument), source)
        self.add_line("", source)


def _entry(argument):
    """A parameter as an entry of a list of fields."""
    notes = [f"``{argument.type}``"]
    if argument.constant:
        notes.append("constant")
    if argument.generator:
        notes.append("generated")
    elif argument.default is not None:
        notes.append(f"default ``{argument.default!r}``")
    if argument.ignored:
        notes.append("not in the identifier")
    text = " ".join((argument.help or "").split())
    return f":param {argument.name}: {text} ({', '.join(notes)})"


def setup(app):
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_autodocumenter(ConfigDocumenter)
    return {"parallel_read_safe": True}
