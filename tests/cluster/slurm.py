"""A real Slurm of two nodes on this machine, in a folder of its own; ended by the pids that its daemons left there.

Run: python tests/cluster/slurm.py start FOLDER, then with SLURM_CONF=FOLDER/slurm.conf whatever Slurm has, then
python tests/cluster/slurm.py stop FOLDER. It needs root and Debian's slurmctld, slurmd, slurm-client and munge.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
NODES = ("n1", "n2")
SECONDS = 30.0  # for two idle nodes, or for a daemon to go
PARTITION = "debug"
URGENT = "urgent"  # another one of the same nodes, whose jobs take the places of those of the first
KINDS = {"n1": "a100", "n2": "v100"}  # of GPU that each node says to have one of


def lacks() -> str | None:
    """Why there can be no cluster here, or None."""
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing:
        return f"no {', '.join(missing)} here"
    return None if os.geteuid() == 0 else "Slurm's daemons are started by root alone"


def find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def free_ports(count: int) -> list[int]:
    """Below those that the system gives away by itself, and others every time, as several may be starting at once."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(17_000, 30_000)  # noqa: S311
        with suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found.append(port)
    return found


def configure(folder: Path) -> Path:
    """Write slurm.conf, whose sockets and ports no other cluster on this machine has."""
    host = socket.gethostname()
    controller, *ports = free_ports(1 + len(NODES))
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=2000 "
        f"Gres=gpu:{KINDS[node]}:1"
        for node, port in zip(NODES, ports, strict=True)
    ]
    lines = [
        "ClusterName=vidbench",
        f"SlurmctldHost={host}(127.0.0.1)",
        f"SlurmctldPort={controller}",
        "AuthType=auth/munge",
        f"AuthInfo=socket={folder}/munge.socket,cred_expire=5",
        "CredType=cred/munge",
        "SlurmUser=root",
        "SlurmdUser=root",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/spool.%n",
        f"SlurmctldPidFile={folder}/slurmctld.pid",
        f"SlurmdPidFile={folder}/slurmd.%n.pid",
        f"SlurmctldLogFile={folder}/slurmctld.log",
        f"SlurmdLogFile={folder}/slurmd.%n.log",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core",
        "MpiDefault=none",
        "ReturnToService=2",
        "JobRequeue=1",
        "KillWait=5",
        "GresTypes=gpu",
        "PreemptType=preempt/partition_prio",
        "PreemptMode=REQUEUE",
        "SchedulerParameters=sched_min_interval=100000,sched_interval=1,bf_interval=1,batch_sched_delay=0",
        *nodes,
        f"PartitionName={PARTITION} Nodes={','.join(NODES)} Default=YES MaxTime=60 State=UP PriorityTier=1",
        f"PartitionName={URGENT} Nodes={','.join(NODES)} MaxTime=60 State=UP PriorityTier=2 PreemptMode=OFF",
    ]
    gpus = [f"NodeName={node} Name=gpu Type={kind} File=/dev/null" for node, kind in KINDS.items()]
    (folder / "gres.conf").write_text("\n".join(gpus) + "\n")
    path = folder / "slurm.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def start(folder: Path) -> dict[str, str]:
    """Start the daemons and wait for idle nodes; the environment in which Slurm's commands find them."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    environment = {**os.environ, "SLURM_CONF": str(configure(folder))}
    files = [
        f"--{name}-file={folder}/munge{end}"
        for name, end in (("key", ".key"), ("pid", ".pid"), ("log", ".log"), ("seed", ".seed"))
    ]
    try:
        run([find("munged"), "--force", f"--socket={folder}/munge.socket", *files], environment, folder)
        run([find("slurmctld")], environment, folder)
        for node in NODES:
            start_node(folder, node)
        wait_for_nodes(environment)
    except BaseException:
        stop(folder)
        raise
    return environment


def start_node(folder: Path, node: str) -> None:
    """Start the daemon of a node, as its boot does."""
    run([find("slurmd"), "-N", node], {**os.environ, "SLURM_CONF": f"{folder}/slurm.conf"}, folder)


def kill_node(folder: Path, node: str) -> None:
    """SIGKILL to the daemon of a node; what its jobs have started goes on, as on a node that has lost its network."""
    os.kill(int((folder / f"slurmd.{node}.pid").read_text()), signal.SIGKILL)


def wait_for_nodes(environment: dict[str, str]) -> None:
    end = time.monotonic() + SECONDS
    while count_idle(environment) < len(NODES):
        if time.monotonic() > end:
            raise TimeoutError(f"no {len(NODES)} idle nodes after {SECONDS:g} s; *.log beside slurm.conf say why")
        time.sleep(0.2)


def run(command: list[str | None], environment: dict[str, str], folder: Path) -> None:
    """A daemon, which goes into the background by itself; what it says stays in the folder."""
    with (folder / "started.log").open("a") as log:
        subprocess.run(
            [str(part) for part in command],
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def count_idle(environment: dict[str, str]) -> int:
    command = ["sinfo", "-h", "-N", "-p", PARTITION, "-t", "idle", "-o", "%N"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return len(done.stdout.split())


def stop(folder: Path) -> None:
    """End what was started there, first jobs' processes by their nodes' daemons, then the daemons by their pids."""
    environment = {**os.environ, "SLURM_CONF": f"{folder}/slurm.conf"}
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            ["scancel", "--full", "-u", "root"], env=environment, check=False, timeout=10, capture_output=True
        )
    for name in (*(f"slurmd.{node}" for node in NODES), "slurmctld", "munge"):
        end_by_pid(folder / f"{name}.pid")
    for pid in find_left_behind(folder):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def find_left_behind(folder: Path) -> list[int]:
    """What jobs started and a killed daemon no longer knew of, by what stands in its environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            steps = path.with_name("comm").read_text().startswith("slurmstepd")
            if f"SLURM_CONF={folder}/slurm.conf".encode() in words:
                found += [int(path.parent.name)] if steps or any(w.startswith(b"SLURM_JOB_ID=") for w in words) else []
    return found


def end_by_pid(path: Path) -> None:
    try:
        pid = int(path.read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    end = time.monotonic() + SECONDS
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](Path(sys.argv[2]).absolute())
