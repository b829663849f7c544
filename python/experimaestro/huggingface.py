"""Configurations on the HuggingFace hub (with the package huggingface_hub)."""


class ExperimaestroHFHub:
    """A configuration that is sent to the hub, or comes from it, with the files of its data.

        ExperimaestroHFHub(model).push_to_hub("me/model")
        model = ExperimaestroHFHub.from_pretrained("me/model")

    variant: a name within the repository, for several configurations there.
    """

    def __init__(self, config, variant=None):
        self.config = config
        self.variant = variant

    def save_pretrained(self, save_directory):
        """Saves it in a folder, as the hub has it."""
        from . import serialize

        serialize(self.config, _folder(save_directory, self.variant))

    def push_to_hub(self, repo_id, **more):
        """Sends it to a repository, which is made if need be; `more` goes to the hub's
        upload_folder. Returns what that returns. ImportError without huggingface_hub."""
        from tempfile import TemporaryDirectory

        hub = _hub()
        hub.create_repo(repo_id, exist_ok=True, token=more.get("token"))
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return hub.upload_folder(repo_id=repo_id, folder_path=folder, **more)

    @classmethod
    def from_pretrained(cls, name, *, variant=None, as_instance=True, **more):
        """The instance, or with as_instance=False the configuration, of a repository or a folder;
        `more` goes to the hub's snapshot_download. ImportError without huggingface_hub."""
        from os.path import isdir

        from . import deserialize

        folder = str(name) if isdir(name) else _hub().snapshot_download(str(name), **more)
        return deserialize(_folder(folder, variant), as_instance=as_instance)


def _folder(folder, variant):
    from pathlib import Path

    return Path(folder, variant) if variant else Path(folder)


def _hub():
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError("the hub is reached with huggingface_hub: pip install huggingface_hub") \
            from error
    return huggingface_hub
