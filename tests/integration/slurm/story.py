"""The cluster's day, with a collection and a report after each turn of events."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .auditing import Answer, Auditor
from .cluster import Slurm, wait_until
from .jobs import order
from .oracle import Span, Used, used_by_sacct
from .plot import Plot

FOR_EVER = order("for ever", "zoe", "-p gpu -w v100-1 --gpus=v100:1 -t 3-00:00:00", "sleep 99999")


@dataclass(frozen=True)
class Scene:
    """A collection, the report right after it, and what sacct said of the same time."""

    collected: Answer
    report: dict[str, Any]
    sacct: Used | None


@dataclass(frozen=True)
class Story:
    """All scenes by name; `ids` of the jobs by tag, before accounting's ids began again."""

    scenes: dict[str, Scene]
    ids: dict[str, str]
    reused: tuple[str, ...]
    states_before: dict[str, str]
    states_after: dict[str, str]


class Day:
    """Plays the story."""

    def __init__(self, slurm: Slurm) -> None:
        self.slurm = slurm
        self.plot = Plot(slurm)
        self.began_s = int(time.time())
        yesterday = time.strftime("%Y-%m-%d", time.gmtime(self.began_s - 86400))
        self.auditor = Auditor(slurm, "live", yesterday)
        self.scenes: dict[str, Scene] = {}

    def play(self) -> Story:
        self.plot.run()
        self.look("jobs run")
        self.plot.wait_until_all_ended()
        self.settle()
        self.look("jobs ended")
        ids = dict(self.plot.ids)
        self.lose_slurmdbd()
        before = self.states()
        self.slurm.stop_slurmctld()
        self.slurm.start_slurmctld()
        self.settle()
        time.sleep(3)
        self.look("slurmctld restarted")
        after = self.states()
        reused = self.lose_state()
        return Story(self.scenes, ids, reused, before, after)

    def look(self, name: str) -> None:
        """Collect, report, and ask sacct the same; slurmdbd may be away."""
        collected = self.auditor.collect()
        (receipt,) = collected.document
        reached = datetime.fromisoformat(receipt["collected_to"])
        # Runs that go on are known up to there; a shortfall begins there.
        until_s = time.time() + 1 if collected.code else reached.timestamp()
        span = Span(self.began_s - 3600, int(until_s))
        sacct = None if collected.code else used_by_sacct(self.slurm, span)
        self.scenes[name] = Scene(collected, self.auditor.report(span), sacct)

    def lose_slurmdbd(self) -> None:
        """Let jobs start and end while slurmdbd is away, and others that began before end."""
        early = {
            self.plot.submit(order("ends unrecorded", "bob", "-p gpu --gpus=a100:2", "sleep 8"))
        }
        (job,) = early
        self.plot.wait_until_started(job)
        self.slurm.stop_slurmdbd()
        late = {
            self.plot.submit(order(f"unrecorded {user}", user, "-n2", "sleep 2"))
            for user in ("alice", "carol")
        }
        self.slurm.wait_until_ended(early | late)
        self.look("slurmdbd away")
        self.slurm.start_slurmdbd()
        self.settle()
        self.look("slurmdbd back")

    def lose_state(self) -> tuple[str, ...]:
        """Lose slurmctld's state: what ran is over, and job ids begin again."""
        self.slurm.lose_state()
        ids = {
            self.plot.submit(order(f"again {user}", user, "-p gpu --gpus=a100:1", "sleep 2"))
            for user in ("bob", "carol", "dave.müller")
        }
        last = self.plot.submit(FOR_EVER)
        self.slurm.wait_until_ended(ids)
        self.plot.wait_until_started(last)
        self.settle()
        self.look("state lost")
        return (*sorted(ids), last)

    def settle(self) -> None:
        """Wait until accounting has no run open that slurmctld does not have."""

        def settled() -> bool:
            running = self.slurm.ask("squeue", "-h", "-a", "-t", "R,S", "-o", "%A").split()
            rows = "select id_job from small_job_table where time_end = 0 and time_start > 0"
            return sorted(self.slurm.sql(rows).split()) == sorted(running)

        wait_until(settled, "accounting to know what slurmctld knows")

    def states(self) -> dict[str, str]:
        """Return the state of each run by its number in the database."""
        out = self.slurm.ask("sacct", "-aXDPn", "-S", "now-1days", "-o", "DBIndex,State")
        return dict(line.split("|") for line in out.splitlines())
