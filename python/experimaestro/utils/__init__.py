"""Small functions that tasks and experiments use."""

from os import scandir, unlink


def cleanupdir(path):
    """Removes all that a folder holds, and not the folder. The targets of symbolic links stay."""
    from shutil import rmtree

    with scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                rmtree(entry.path)
            else:
                unlink(entry.path)
