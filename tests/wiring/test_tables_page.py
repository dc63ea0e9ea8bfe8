"""The page on tables shows configurations that are valid, and tables that they fit."""

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.normalize.export import read_export
from auditor.settings.load import parse_settings
from auditor.wiring.check import problems
from auditor.wiring.parts import ExportOptions, export_context

PAGE = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
NAMES = ("pai", "pool", "pbs", "lsf")
# One run of two hours and 8 CPUs, as each of them tells it.
TABLES = {
    "pool": (
        "id\tuser\tgroup\tstate\tsubmitted\tstarted\tended\tran\tcpus\tgpus\tmemory\tcpu_time\tpeak"
        "\tnode\nsched#17.0#1794816000\talice\t\t4\t1794816000\t1794819600\t1794826800\t7200.0\t8\t0"
        "\t2048\t14400.5\t1000000\tnode07.example.org\n"
        "sched#18.0#1794816000\talice\t\t3\t1794816000\tundefined\t1794826800\t0.0\t8\t0\tundefined"
        "\t0.0\t0\tundefined\n"
    ),
    "pbs": (
        '"id","user","project","queue","state","submitted","started","walltime","cpus","gpus",'
        '"memory","cpu_time","peak","nodes"\n"4711.head","alice","ml","work","F",'
        '"2026-11-16T09:00:00","2026-11-16T10:00:00","02:00:00",8,0,"16gb","10:00:00","1048576kb",'
        '"n07,n08"\n"4712.head","bob",,"work","Q","2026-11-16T09:00:00","","0",8,0,,,,""\n'
    ),
}
# Fields as lsb.acct orders them: what was asked for, where it ran, then usage and project.
FINISHED = (
    '"JOB_FINISH" "10.1" 1794826800 4711 1000 33554434 8 1794816000 0 0 1794819600 "alice" "work" '
    '"select[mem > 1]" "" "" "head" "jobs" "" "out ""a""" "" "job.sh" 1 "node07" 2 "4*node07" '
    '"4*node08" 64 60.0 "fit" "python fit.py" 14000.5 400.0 -1 -1 -1 -1 -1 0 0 -1 -1 -1 -1 -1 -1 '
    '-1 0 0 -1 "" "ml" 0 8 "" "" 3 1048576 0\n'
)


@pytest.mark.parametrize("name", NAMES)
def test_every_configuration_is_valid(name, tmp_path):
    (block,) = [block for block in BLOCKS if f'name = "{name}"' in block]
    assert problems(parse_settings(block, tmp_path)) == []
    assert len(BLOCKS) == len(NAMES)


def read(name, text, tmp_path):
    (block,) = [block for block in BLOCKS if f'name = "{name}"' in block]
    context = export_context(parse_settings(block, tmp_path), "export", ExportOptions())
    (batch,) = read_export(io.BytesIO(text.encode()), context)
    assert batch.rejects == []
    return batch.jobs


def assert_is_the_run(run):
    assert (run["user"], run["state"]) == ("alice", "COMPLETED")
    assert (run["elapsed_s"], run["n_cpus"], run["suspended_s"]) == (7200, 8.0, 0)
    assert (run["submit_utc"].hour, run["start_utc"].hour) == (8, 9)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_its_commands_make_is_read(name, tmp_path):
    jobs = read(name, TABLES[name], tmp_path)
    assert_is_the_run(jobs.iloc[0])
    assert jobs["elapsed_s"].tolist() == [7200, 0]
    commands = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    header = next(csv.reader([TABLES[name].partition("\n")[0]], delimiter=",\t"[name == "pool"]))
    in_words = (", ".join(f'"{cell}"' for cell in header), r"\t".join(header))
    assert any(words in commands for words in in_words)


def test_the_script_for_lsf_makes_a_table_that_is_read(tmp_path):
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    log = tmp_path / "lsb.acct"
    log.write_text('"EVENT_ADRSV_FINISH" "10.1" 1\n' + FINISHED)
    made = subprocess.run(
        [sys.executable, "-c", script, str(log)], capture_output=True, text=True, check=True
    )
    run = read("lsf", made.stdout, tmp_path).iloc[0]
    assert_is_the_run(run)
    assert (run["raw_job_id"], run["account"]) == ("4711[3]", "ml")
    assert (run["node_list"], run["n_nodes"]) == ("node07,node08", 2.0)
    assert (run["total_cpu_s"], run["max_rss_bytes"]) == (14400.5, 2.0**30)
