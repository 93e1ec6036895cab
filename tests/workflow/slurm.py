"""A real SLURM of two nodes on this machine, each with one processor and one GPU that is none."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo")
SYSTEM = Path("/etc/slurm")  # where jobs look for the configuration, whatever SLURM_CONF says
CONFIG = """
ClusterName=loop
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=3600
KillWait=5
SchedulerParameters=batch_sched_delay=0
GresTypes=gpu
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmdParameters=config_overrides
SlurmdPidFile={folder}/%n.pid
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdLogFile={folder}/%n.log
SlurmctldLogFile={folder}/slurmctld.log
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=1 RealMemory=9000 Gres=gpu:fake:1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
GRES = """
AutoDetect=off
NodeName=n1 Name=gpu Type=fake File=/dev/zero
NodeName=n2 Name=gpu Type=fake File=/dev/zero
"""


def obstacle():
    """Why SLURM cannot be started here; empty if it can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"SLURM is not installed ({', '.join(missing)}): apt-get install slurmctld slurmd slurm-client"
    if os.geteuid():
        return "only root can start SLURM here"
    files = [SYSTEM / name for name in ("slurm.conf", "gres.conf")]
    if any(file.exists() and not file.is_symlink() for file in files):
        return f"this machine has a SLURM of its own ({SYSTEM})"
    return ""


class Slurm:
    """Starts the daemons, and stops them by their process ids."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.processes = {}

    def __enter__(self):
        (self.folder / "state").mkdir(parents=True)
        SYSTEM.mkdir(exist_ok=True)
        settings = {"host": socket.gethostname().split(".")[0], "folder": self.folder}
        for name, text in (("slurm.conf", CONFIG.format(**settings)), ("gres.conf", GRES)):
            (self.folder / name).write_text(text)
            (SYSTEM / name).unlink(missing_ok=True)  # of a test that was killed
            (SYSTEM / name).symlink_to(self.folder / name)
        try:
            self.start("slurmctld", "-c", "-D")
            for node in ("n1", "n2"):
                (self.folder / node).mkdir()
                self.start("slurmd", "-N", node, "-D")
            self.wait(lambda: self.states() == {"n1": "idle", "n2": "idle"}, "the nodes did not come up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["scancel", "--user=root"], capture_output=True, check=False, timeout=60)
        with suppress(AssertionError):
            self.wait(lambda: not self.queue(), "jobs did not end", 60)
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in ("slurm.conf", "gres.conf"):
            (SYSTEM / name).unlink(missing_ok=True)

    def start(self, *command):
        with open(self.folder / f"{'-'.join(command)}.out", "w") as log:
            self.processes[command] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def control(self, *words, check=True):
        return subprocess.run(["scontrol", *words], capture_output=True, text=True, check=check).stdout

    def queue(self):
        """The jobs that wait, run, or are about to end."""
        return subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=False).stdout.split("\n")[:-1]

    def states(self):
        """The state of each node, by name."""
        words = subprocess.run(["sinfo", "-N", "-h", "-o", "%N %t"], capture_output=True, text=True, check=False)
        return dict(line.split() for line in words.stdout.splitlines())

    def jobs(self, rule):
        """All jobs of a rule that SLURM remembers, each a mapping."""
        found = []
        for line in self.control("show", "jobs", "--oneliner").splitlines():
            job = dict(word.split("=", 1) for word in line.split() if "=" in word)
            if job.get("Comment", "").startswith(f"rule_{rule}_"):
                found.append(job)
        return found

    def wait(self, condition, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, what
            time.sleep(0.2)
        return found
