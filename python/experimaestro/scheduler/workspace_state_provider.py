"""Reading a workspace: its jobs, their states and tags. Reads what is on disk, and changes nothing."""

import json
from datetime import datetime
from pathlib import Path

from .. import _engine
from ..states import JobFailureStatus, JobState


class JobInformation:
    """A job on disk.

    identifier, task_id: its identifier and the name of its type. path: its folder, a Path.
    state: a JobState; failure_reason: a JobFailureStatus, or None. tags: a dict.
    experiment_id: the experiment that listed it last, or None.
    starttime, endtime: datetimes, or None.
    """

    def __init__(self, content):
        reason = content["failure_reason"]
        self.identifier = content["job_id"]
        self.task_id = content["task_id"]
        self.path = Path(content["path"])
        self.state = JobState[content["state"].upper()]
        self.failure_reason = JobFailureStatus(reason.lower()) if reason else None
        self.tags = content["tags"]
        self.experiment_id = content["experiment"]
        self.starttime = _time(content["started_time"])
        self.endtime = _time(content["ended_time"])

    @property
    def full_id(self):
        """The name of its type and its identifier, as its folder's: TYPE/HASH."""
        return f"{self.task_id}/{self.identifier}"

    def __repr__(self):
        return f"<JobInformation {self.full_id}: {self.state.name}>"


def _time(text):
    return datetime.fromisoformat(text) if text else None


class WorkspaceStateProvider:
    """What a workspace holds. workspace_path: its folder.

    Each call reads the disk anew. OSError when the folder cannot be read; ValueError when it is no
    workspace, or no such experiment has run in it.
    """

    def __init__(self, workspace_path, no_cleanup=True):
        self.workspace_path = Path(workspace_path)

    def get_jobs(
        self, experiment_id=None, run_id=None, task_id=None, state=None, tags=None, states=None
    ):
        """The jobs of an experiment's latest run, or of the workspace: JobInformations, in order of
        type and identifier; of a type, in a state (its name, or a JobState) or one of several
        (states), and with some tags, if they are given. ValueError for a state that does not exist.
        NotImplementedError for a run that is not the latest."""
        if run_id is not None and run_id != self.get_current_run(experiment_id):
            from ..later import missing

            raise missing("reading an earlier run", "leave run_id out, for the latest one")
        wanted = [*(states or ()), *([] if state is None else [state])]
        names = ",".join(getattr(state, "name", state) for state in wanted)
        read = _engine.view(str(self.workspace_path), experiment_id, names or None)
        jobs = map(JobInformation, json.loads(read))
        return [
            job
            for job in jobs
            if task_id in (None, job.task_id) and (tags or {}).items() <= job.tags.items()
        ]

    get_all_jobs = get_jobs

    def count_jobs(self, experiment_id=None):
        """How many of these jobs are in each state: a dict, from JobState to a number."""
        counts = _engine.count(str(self.workspace_path), experiment_id)
        return {JobState[name.upper()]: count for name, count in counts.items()}

    def get_job(self, task_id, job_id):
        """The JobInformation of a job, or None."""
        found = (job for job in self.get_jobs(task_id=task_id) if job.identifier == job_id)
        return next(found, None)

    def get_tags_map(self, experiment_id, run_id=None):
        """The tags of the jobs of an experiment: a dict, from identifier to the job's tags."""
        return {job.identifier: job.tags for job in self.get_jobs(experiment_id, run_id)}

    def get_current_run(self, experiment_id):
        """The name of its latest run, or None."""
        current = self.workspace_path / "experiments" / str(experiment_id) / "current"
        return current.resolve().name if current.is_symlink() else None

    def load_xp_info(self, experiment_id, run_id=None):
        """What the run of an experiment recorded: see experimaestro.load_xp_info."""
        from .. import load_xp_info

        run = run_id or self.get_current_run(experiment_id)
        if run is None:
            raise ValueError(f"no experiment {experiment_id} has run in {self.workspace_path}")
        return load_xp_info(self.workspace_path / "experiments" / experiment_id / run)

    def close(self):
        """Nothing is kept open."""
