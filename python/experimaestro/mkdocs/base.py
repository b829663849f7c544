"""The plugin of mkdocs."""

from ..later import later

Documentation = later("mkdocs.base.Documentation", "document configurations with Sphinx, through "
                      "the extension experimaestro.sphinx")
