"""What happens to the jobs: cancelled, requeued, preempted, suspended, lost with their node."""

import time

from auditor.collect.sacct import WANTED

from .cluster import USERS, Slurm, wait_until
from .jobs import HET, LONG, ORDERS, Order, forgeries, order

LOW = "-p gpu -w v100-1 --gpus=v100:1"


class Plot:
    """The script, and the job ids by tag."""

    def __init__(self, slurm: Slurm) -> None:
        self.slurm = slurm
        self.ids: dict[str, str] = {}

    def submit(self, job: Order) -> str:
        """Submit a job.

        Raises
        ------
        RuntimeError
            Slurm refused it.
        """
        words = ("sbatch", "--parsable", *job.options, "--wrap", job.body)
        self.ids[job.tag] = self.slurm.ask(*words, user=USERS[job.user]).strip()
        return self.ids[job.tag]

    def run(self) -> None:
        """Play the whole; the last job ends a minute and a half after the first was submitted."""
        listed = self.slurm.ask("sacct", "-e").split()
        asked_for = tuple(field for field in WANTED if field in listed)
        for job in (*ORDERS, *forgeries(asked_for, int(time.time()))):
            self.submit(job)
        self.submit_unlike_others()
        self.end_some()
        self.lose_a_node()
        self.preempt()
        self.use_a_reservation()

    def submit_unlike_others(self) -> None:
        alice = USERS["alice"]
        (self.slurm.home(alice) / "het.sh").write_text(HET)
        self.ids["het"] = self.slurm.ask("sbatch", "--parsable", "het.sh", user=alice).strip()
        base = self.ids["dependency base"]
        self.submit(order("dependency never met", "bob", f"-d afterok:{base}", "true"))
        self.submit(order("dependency met", "bob", f"-d afterany:{base}", "true"))
        odd = self.slurm.home(alice) / "w|d\n"
        odd.mkdir()
        self.submit(Order("folder with a bar", "alice", ("-D", str(odd)), "true"))
        self.slurm.ask("srun", "-Q", "-J", "srun|direct", "sleep", "1", user=alice)
        self.slurm.ask("salloc", "-Q", "-n2", "srun", "sleep", "1", user=alice)

    def end_some(self) -> None:
        ids, ask = self.ids, self.slurm.ask
        suspended = [ids[tag] for tag in ids if tag.startswith("suspended")]
        for tag in ("cancelled by its user", "cancelled by root", "requeued", "requeued and held"):
            self.wait_until_started(ids[tag])
        for job in suspended:
            self.wait_until_started(job)
        time.sleep(2)
        ask("scontrol", "suspend", ",".join(suspended))
        suspended_s = time.monotonic()
        ask("scancel", f"{ids['array cancelled']}_[2,5-6]", user=USERS["alice"])
        ask("scancel", ids["cancelled by its user"], user=USERS["carol"])
        ask("scancel", ids["cancelled by root"])
        ask("scancel", ids["cancelled pending"], user=USERS["carol"])
        ask("scontrol", "requeue", ids["requeued"])
        ask("scontrol", "requeuehold", ids["requeued and held"])
        ask("scontrol", "release", ids["held and released"])
        ask("scontrol", "update", f"JobId={ids['begin moved']}", "StartTime=now")
        time.sleep(max(0.0, suspended_s + 4 - time.monotonic()))
        ask("scontrol", "resume", f"{ids['suspended']},{ids['suspended with a gpu']}")

    def lose_a_node(self) -> None:
        lost = "-p gpu -w a100-2 --gres=gpu:a100:1"
        self.submit(order("node lost", "carol", f"{lost} --no-requeue", LONG))
        self.submit(order("node lost and requeued", "carol", f"{lost} --requeue", "sleep 12"))
        for tag in ("node lost", "node lost and requeued"):
            self.wait_until_started(self.ids[tag])
        time.sleep(3)
        self.slurm.ask("scontrol", "update", "NodeName=a100-2", "State=down", "Reason=power | 3")
        time.sleep(1)
        # The node may have come back by itself: it answers.
        self.slurm.run("scontrol", "update", "NodeName=a100-2", "State=resume")

    def preempt(self) -> None:
        for low, how, body in (("low", "--requeue", "sleep 12"), ("scav", "", LONG)):
            victim = f"preempted {low}"
            self.submit(order(victim, "alice", f"{LOW} --qos={low} {how}", body))
            self.wait_until_started(self.ids[victim])
            time.sleep(2)
            self.submit(order(f"preempts {low}", "bob", f"{LOW} --qos=high", "sleep 3"))
            self.wait_until_started(self.ids[f"preempts {low}"])

    def use_a_reservation(self) -> None:
        """Use a part of a reservation, for a part of its time."""
        words = ("ReservationName=kept", "StartTime=now", "Duration=2", "Users=erin", "Nodes=cpu-1")
        self.slurm.ask("scontrol", "create", "reservation", *words, "Flags=ignore_jobs")
        inside = order("in a reservation", "erin", "--reservation=kept -n4", "sleep 3")
        job = self.submit(inside)
        self.slurm.wait_until_ended({job})
        time.sleep(2)
        self.slurm.ask("scontrol", "delete", "ReservationName=kept")

    def wait_until_started(self, job: str) -> None:
        """Wait until a job runs, or has run."""

        def started() -> bool:
            states = self.slurm.ask("squeue", "-h", "-t", "all", "-j", job, "-o", "%t").split()
            return bool({*states} - {"PD", "CF"})

        wait_until(started, f"job {job} to start")

    def wait_until_all_ended(self) -> None:
        """Wait for all but the jobs that are meant to wait or run for ever."""
        stay = (
            *("for ever", "suspended for ever", "array pending", "array with a stride"),
            *("array held", "requeued and held", "dependency never met", "held", "begin"),
        )
        self.slurm.wait_until_ended({job for tag, job in self.ids.items() if tag not in stay})
