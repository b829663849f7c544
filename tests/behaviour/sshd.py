"""A real sshd on this machine, as another host: with its own port, keys and configuration, and, where
a mount namespace can be had, with other contents in the folder of the workspace."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from ports import free_ports

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def can_have_its_own_folders():
    """Whether a process may see another folder under a path than others do."""
    probe = ["unshare", "--uts", "--mount", "--propagation", "private", "mount", "--bind", "/", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Host:
    """The other host, whose name is "there" in the ssh_config that its `options` name.

    folder: for its files. workspace: the path that is another folder there, `there`; None: it is the
    same. writable: whether that folder is. With a folder of its own it also calls itself "far".
    """

    def __init__(self, folder, workspace=None, writable=True):
        self.folder = folder
        self.workspace = workspace
        self.writable = writable
        self.there = folder / "there"
        (self.port,) = free_ports(1)
        self.process = None
        folder.mkdir()
        self.there.mkdir()
        self.config = folder / "sshd_config"
        host_key, user_key = key(folder / "host_key"), key(folder / "user_key")
        self.authorized = folder / "authorized_keys"
        self.authorized.write_text((folder / "user_key.pub").read_text())
        self.config.write_text(f"""
            Port {self.port}
            ListenAddress 127.0.0.1
            HostKey {host_key}
            AuthorizedKeysFile {self.authorized}
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
        """)
        known = folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{self.port} {(folder / 'host_key.pub').read_text()}")
        client = folder / "ssh_config"
        client.write_text(f"""
            Host there
                HostName 127.0.0.1
                Port {self.port}
                IdentityFile {user_key}
                IdentitiesOnly yes
                UserKnownHostsFile {known}
                GlobalKnownHostsFile /dev/null
        """)
        self.options = ["-F", str(client)]

    def start(self):
        """Returns once it listens."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        command = [SSHD, "-D", "-e", "-f", self.config]
        if self.workspace is not None:
            self.workspace.mkdir(exist_ok=True)
            mount = 'hostname far && mount --bind "$0" "$1" && '
            if not self.writable:
                mount += 'mount -o remount,bind,ro "$1" && '
            mounted = ["sh", "-c", mount + 'shift && exec "$@"']
            command = ["unshare", "--uts", "--mount", "--propagation", "private", *mounted, self.there,
                       self.workspace, *command]
        self.process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "Server listening" in line:
                return
        raise AssertionError("sshd does not listen")

    def connections(self):
        """Of the processes of this machine, those that serve a connection of this host."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def break_connections(self):
        """As when the network fails, and both sides notice: jobs there go on."""
        for pid in self.connections():
            os.kill(pid, signal.SIGKILL)

    def stop(self):
        if self.process is None:
            return
        self.break_connections()
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.process = None
