"""A real Slurm on this host alone: daemons, ports, sockets and files of its own, in a folder, beside
whatever cluster this host may belong to. It ends with the process that made it.

    cluster.py [--nodes N] [--accounting] COMMAND...    runs a command in such a cluster
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keeper import Keeper

sys.path.insert(0, str(Path(__file__).parents[1]))

from ports import free_ports  # noqa: E402

SBIN = os.environ["PATH"] + ":/usr/sbin"
PATIENCE = 60  # seconds, for a daemon to answer
DAEMONS = ("munged", "slurmctld", "slurmd")
ACCOUNTING = ("slurmdbd", "mariadbd", "mariadb-install-db", "mariadb")


def lacks(accounting=False):
    """Why there can be no cluster here; None when there can."""
    if os.geteuid() != 0:
        return "a Slurm of one's own is for root"
    missing = [name for name in DAEMONS + (ACCOUNTING if accounting else ())
               if shutil.which(name, path=SBIN) is None]
    return f"{', '.join(missing)} not installed: scripts/setup test" if missing else None


def wait_until(holds, what):
    """Until holds(): a daemon has no other way to tell that it is there."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} seconds"
        time.sleep(0.02)


class Cluster:
    """The cluster; each node claims `cpus`, however many there are. A context manager.

    nodes: the names of its nodes. environment: with which its commands find it.
    """

    def __init__(self, folder, nodes=1, accounting=False, cpus=64, settings=""):
        self.folder, self.accounting, self.cpus = Path(folder), accounting, cpus
        self.nodes = [f"n{i + 1}" for i in range(nodes)]
        self.settings = settings
        self.environment = {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "MYSQL_UNIX_PORT": str(self.folder / "database.socket"),  # slurmdbd.conf has no such line
        }
        self._host = socket.gethostname().partition(".")[0]
        self._processes = {}
        self._keeper = None

    def __enter__(self):
        for name in ("log", "state", "database", *(f"spool.{node}" for node in self.nodes)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self._write_files()
        self._keeper = Keeper(self._full_environment())
        try:
            self._start_all()
        except BaseException:
            self._keeper.end()
            raise
        return self

    def __exit__(self, *error):
        self._keeper.end()

    # ---- Files

    def _write_files(self):
        folder = self.folder
        controller, database, *nodes = free_ports(2 + len(self.nodes))
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        accounting = f"""\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={database}
AccountingStoragePass={folder}/munge.socket
AccountingStorageEnforce=associations,limits
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
""" if self.accounting else """\
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
"""
        places = "".join(
            f"NodeName={node} NodeHostname={self._host} NodeAddr=127.0.0.1 Port={port} "
            f"CPUs={self.cpus} RealMemory=64000\n"
            for node, port in zip(self.nodes, nodes)
        )
        depth = "default_queue_depth=1000"
        (folder / "slurm.conf").write_text(f"""\
ClusterName=test
SlurmctldHost={self._host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/slurmd.%n
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=400
# A job starts at once, and not when a cycle comes around that is meant for thousands of nodes.
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1,{depth}
{"" if "MaxArraySize" in self.settings else "MaxArraySize=10001"}
KillWait=2
SlurmdTimeout=30
JobRequeue=0
ReturnToService=2
{accounting}{self.settings}{places}\
PartitionName=main Nodes=ALL Default=YES DefaultTime=10 MaxTime=UNLIMITED
PartitionName=other Nodes=ALL MaxTime=UNLIMITED
""")
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # there may be none
        settings = folder / "slurmdbd.conf"
        settings.write_text(f"""\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={database}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
""")
        settings.chmod(0o600)

    # ---- Daemons

    def _start(self, name, program, *arguments):
        path = shutil.which(program, path=SBIN)
        process = self._keeper.start(self.folder / "log" / f"{name}.out", path, *arguments)
        self._processes[name] = os.pidfd_open(process)

    def _start_all(self):
        folder = self.folder
        self._start("munged", "munged", "--foreground", "--force", f"--key-file={folder}/munge.key",
                    f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
                    f"--log-file={folder}/log/munged", f"--seed-file={folder}/munged.seed")
        wait_until(lambda: self._answers("munge", "-n", "-S", folder / "munge.socket"), "munged")
        if self.accounting:
            self._start_accounting()
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)

    def _start_accounting(self):
        defaults = ("--no-defaults", "--user=root", f"--datadir={self.folder}/database")
        subprocess.run(["mariadb-install-db", *defaults, "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True,
                       stdout=subprocess.DEVNULL)
        self._start("mariadbd", "mariadbd", *defaults, "--skip-networking",
                    "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900",
                    f"--pid-file={self.folder}/mariadbd.pid")
        wait_until(lambda: self._answers("mariadb", "--no-defaults", "-e", ""), "mariadbd")
        self._start("slurmdbd", "slurmdbd", "-D")
        wait_until(lambda: self._answers("sacctmgr", "-n", "list", "cluster"), "slurmdbd")
        self.run("sacctmgr", "-i", "add", "cluster", "test")

    def start_controller(self):
        """Starts slurmctld, unless it runs."""
        if not self._runs("slurmctld"):
            self._start("slurmctld", "slurmctld", "-D", "-i")
        wait_until(lambda: self._answers("scontrol", "ping"), "slurmctld")

    def start_node(self, node):
        """Starts the slurmd of a node, unless it runs."""
        if not self._runs(node):
            self._start(node, "slurmd", "-D", "-N", node)
        wait_until(lambda: self._is_up(node), f"node {node}")

    def kill(self, name, how=signal.SIGKILL):
        """Kills a daemon: "slurmctld", "slurmdbd", or the slurmd of a node. A slurmctld that is killed by
        SIGKILL forgets the last seconds, and gives the numbers of jobs again."""
        descriptor = self._processes.pop(name)
        signal.pidfd_send_signal(descriptor, how)
        wait_until(lambda: not self._lives(descriptor), f"the end of {name}")
        os.close(descriptor)

    def remember(self):
        """What the controller has saved up to now, for `crash`: a folder."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return shutil.copytree(self.folder / "state", folder / "state")

    def crash(self, memory):
        """Kills the controller, and starts it with what it had saved at a `remember`: as one does that is
        killed before it saves anything more."""
        self.kill("slurmctld")
        shutil.rmtree(self.folder / "state")
        shutil.copytree(memory, self.folder / "state")
        self.start_controller()

    def _runs(self, name):
        return name in self._processes and self._lives(self._processes[name])

    @staticmethod
    def _lives(descriptor):
        try:
            signal.pidfd_send_signal(descriptor, 0)
        except ProcessLookupError:
            return False
        return True

    def _state(self, node):
        return self.run("sinfo", "-h", "-n", node, "-p", "main", "-o", "%T", check=False).stdout.strip()

    def _is_up(self, node):
        """Not so: "unknown", "down*", "idle*"."""
        return self._state(node) in (
            "idle", "mixed", "allocated", "completing", "drained", "draining", "down"
        )

    # ---- Commands

    def _full_environment(self):
        """Without what is preloaded into our programs."""
        inherited = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        return {**inherited, **self.environment}

    def run(self, *command, check=True):
        """Runs one of Slurm's commands: the finished process, with its output as text."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              env=self._full_environment())
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def _answers(self, *command):
        return self.run(*command, check=False).returncode == 0

    def queue(self, form="%A %T"):
        """The lines of squeue, one a job or task of an array."""
        return self.run("squeue", "-h", "-r", "-t", "all", "-o", form).stdout.splitlines()

    def show(self, job):
        """What scontrol says of a job, as a dict."""
        words = self.run("scontrol", "-o", "show", "job", job).stdout.split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def await_queue(self, holds):
        """Waits until `holds(lines of the queue)`."""
        try:
            wait_until(lambda: holds(self.queue()), "what the queue must hold")
        except AssertionError as late:
            raise AssertionError(f"{late}; last in it: {self.queue('%i %T %r')[-20:]}") from None

    @contextlib.contextmanager
    def limit(self, name, value):
        """In the block, the user has a limit of this name."""
        def set_to(to):
            self.run("sacctmgr", "-i", "modify", "user", "root", "set", f"{name}={to}")
            shown = ["scontrol", "show", "assoc_mgr", "flags=assoc", "users=root"]
            wait_until(lambda: (f"{name}={value}" in self.run(*shown).stdout) == (to == value), name)

        set_to(value)
        try:
            yield
        finally:
            set_to(-1)

    def empty(self):
        """Cancels all jobs, and waits until none is left; all daemons run again, and all nodes are up."""
        self.start_controller()
        for node in self.nodes:
            self.put_in_service(node)
        self.run("scancel", "--quiet", "--user", "root", "--signal", "KILL", "--full")
        self.run("scancel", "--quiet", "--user", "root")
        wait_until(lambda: not self.run("squeue", "-h").stdout, "an empty queue")

    def put_in_service(self, node):
        """Starts a node, unless it runs, and waits until it takes jobs."""
        self.start_node(node)
        wait_until(lambda: self._is_in_service(node), f"the service of {node}")

    def _is_in_service(self, node):
        """If not, it is called back; it may have come by itself."""
        if not self._state(node).startswith(("down", "drain")):
            return True
        self.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)
        return False

    def set_node(self, node, state):
        """Sets the state of a node: "drain", "down", "resume"."""
        self.run("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--accounting", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    reason = lacks(arguments.accounting)
    if reason:
        sys.exit(f"cluster.py: {reason}")
    with tempfile.TemporaryDirectory() as folder, \
            Cluster(folder, arguments.nodes, arguments.accounting) as cluster:
        done = subprocess.run(arguments.command, env={**os.environ, **cluster.environment})
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
