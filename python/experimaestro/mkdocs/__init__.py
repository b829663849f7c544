"""Documentation of configurations: the mark on methods, and modules that are not installed."""
