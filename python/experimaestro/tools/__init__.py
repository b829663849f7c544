"""Tools for packages of configurations."""
