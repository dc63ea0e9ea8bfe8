import io
import re
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from rich.cells import cell_len

from auditor.report.build import totals_of
from auditor.report.model import DIMENSIONS
from auditor.report.terminal import TerminalStyle, style_of, to_terminal
from tests.report.fakes import ADVICE, hostile, report_of, runaway, week_of_runs

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Stream(io.StringIO):
    def __init__(self, encoding: str, *, is_terminal: bool = True):
        super().__init__()
        self._encoding = encoding
        self._is_terminal = is_terminal

    @property
    def encoding(self):
        return self._encoding

    def isatty(self):
        return self._is_terminal


@pytest.fixture(scope="module")
def report():
    return report_of(runaway(hostile(week_of_runs())))


@pytest.mark.parametrize("width", [60, 70, 80, 110])
@pytest.mark.parametrize("is_ascii", [True, False], ids=["ascii", "utf-8"])
@pytest.mark.parametrize("by", [None, "job", *DIMENSIONS])
def test_no_line_is_wider_than_the_terminal(report, width, is_ascii, by):
    text = to_terminal(report, TerminalStyle(width, is_ascii=is_ascii), by)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert text.isascii() or not is_ascii
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("has_colour", [True, False], ids=["colour", "plain"])
def test_nothing_from_outside_reaches_the_terminal_raw(report, has_colour):
    text = to_terminal(report, TerminalStyle(80, has_colour=has_colour), "job")
    assert ("\x1b" in text) == has_colour
    plain = COLOUR.sub("", text)
    assert all(char.isprintable() or char == "\n" for char in plain)
    assert "[red]x[/red]" in plain
    assert "<script>" in plain
    assert "{{ 7 * 7 }}" in plain


def test_colour_adds_nothing_but_colour(report):
    coloured = to_terminal(report, TerminalStyle(80, has_colour=True))
    plain = [line.rstrip() for line in COLOUR.sub("", coloured).splitlines()]
    assert plain == to_terminal(report, TerminalStyle(80)).splitlines()


def test_what_a_person_wants_to_know_is_there():
    rows = week_of_runs()
    text = to_terminal(report_of(rows, previous=totals_of(rows.iloc[:100])), TerminalStyle())
    for expected in (
        "Week 47, 16 to 22 November 2026",
        "user alice",
        "136 kg CO2e",
        "range 94.9 to 196 kg",
        "more than the week before",
        "388 kWh",
        "349 g/kWh",
        "11,584",
        "Mon 16 to Sun 22; largest Tue 17",
        "Largest jobs",
        "By partition",
        "#SBATCH --gres=gpu:1",
        "2 refused: sacct-2026-W47.txt:7",
        "book version 12",
    ):
        assert expected in text


def test_job_numbers_are_never_cut(report):
    text = to_terminal(report, TerminalStyle(80))
    assert all(job.job_id in text for job in report.jobs[:10])


def test_by_shows_one_table_in_full(report):
    text = to_terminal(report, TerminalStyle(), "user")
    assert "By user" in text
    assert "Largest jobs" not in text
    assert all(group.key in text for group in report.groups_of["user"])


@pytest.mark.parametrize("width", [60, 80])
def test_by_never_cuts_a_name(width):
    models = [f"NVIDIA A100-SXM4-80GB {end}" for end in ("MIG 1g.10gb", "+ NVIDIA V100-SXM2-32GB")]
    rows = week_of_runs(40)
    chosen = [models[place % 2] for place in range(len(rows))]
    rows["gpu_model"] = pd.Series(chosen, dtype="str").astype("category")
    lines = to_terminal(report_of(rows), TerminalStyle(width), "gpu").splitlines()
    table = lines[lines.index("By accelerator") + 2 :]
    table = table[: table.index("")]
    n_key = lines[lines.index("By accelerator") + 1].index("Jobs")
    joined = "".join("".join(line[:n_key].split()) for line in table)
    assert all("".join(model.split()) in joined for model in models)


def test_what_has_no_width_is_no_range():
    rows = week_of_runs(20)
    flat = {
        f"{name}_{bound}_{unit}": rows[f"{name}_{unit}"]
        for name, unit in (("energy", "wh"), ("carbon", "g"))
        for bound in ("low", "high")
    }
    rows = rows.assign(**flat, pue=1.0, it_energy_wh=rows["energy_wh"])
    text = to_terminal(report_of(rows, recommendations=()), TerminalStyle())
    assert "range" not in text
    assert "overhead" not in text


def test_an_upper_limit_is_called_so():
    limited = replace(ADVICE[0], evidence={"saving_is": "upper limit"})
    text = to_terminal(report_of(week_of_runs(), recommendations=(limited,)), TerminalStyle())
    assert "up to 5.31 kg CO2e" in text


def test_a_report_of_nothing_is_drawn():
    text = to_terminal(report_of(week_of_runs(1).iloc[:0], previous=None), TerminalStyle())
    assert "0 g CO2e" in text
    assert "Largest jobs" not in text


@pytest.mark.parametrize(
    ("stream", "environment", "has_colour", "is_ascii"),
    [
        pytest.param(Stream("utf-8"), {}, True, False, id="terminal"),
        pytest.param(Stream("utf-8", is_terminal=False), {}, False, False, id="pipe"),
        pytest.param(Stream("utf-8"), {"NO_COLOR": "1"}, False, False, id="NO_COLOR"),
        pytest.param(Stream("utf-8"), {"NO_COLOR": ""}, True, False, id="empty NO_COLOR"),
        pytest.param(Stream("utf-8"), {"TERM": "dumb"}, False, False, id="dumb"),
        pytest.param(
            Stream("utf-8", is_terminal=False), {"FORCE_COLOR": "1"}, True, False, id="forced"
        ),
        pytest.param(
            Stream("utf-8", is_terminal=False), {"CLICOLOR_FORCE": "0"}, False, False, id="not so"
        ),
        pytest.param(Stream("UTF8"), {}, True, False, id="other spelling"),
        pytest.param(Stream("ANSI_X3.4-1968"), {}, True, True, id="C locale"),
        pytest.param(Stream("latin-1"), {}, True, True, id="latin"),
    ],
)
def test_style_of_a_stream(stream, environment, has_colour, is_ascii):
    style = style_of(stream, environment, 100)
    assert (style.width, style.has_colour, style.is_ascii) == (100, has_colour, is_ascii)


@pytest.mark.parametrize(("columns", "width"), [(20, 60), (66, 66), (80, 80), (400, 110)])
def test_width_is_at_least_60_and_stays_readable(columns, width):
    assert style_of(Stream("utf-8"), {}, columns).width == width


def test_a_terminal_report_loads_neither_jinja_nor_pandas():
    code = (
        "import sys, auditor.report.terminal, auditor.report.as_json, auditor.report.as_csv\n"
        "print(sorted({'jinja2', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_energy_is_shared_out_by_component_with_what_is_measured(width):
    rows = week_of_runs(10)
    rows = rows.assign(gpu_measured_wh=rows["gpu_wh"] * 0.5)
    lines = to_terminal(report_of(rows), TerminalStyle(width)).splitlines()
    place = lines.index("Energy by component")
    heading, energy, measured = (line.split() for line in lines[place + 1 : place + 4])
    assert heading == ["GPU", "CPU", "Memory", "Rest", "of", "node", "Overhead"]
    parts = ("gpu_wh", "cpu_wh", "memory_wh", "node_wh")
    sums_kwh = [rows[name].sum() / 1000 for name in parts]
    overhead_kwh = (rows["energy_wh"] - rows["it_energy_wh"]).sum() / 1000
    assert energy[0] == "kWh"
    assert [float(one) for one in energy[1:]] == pytest.approx([*sums_kwh, overhead_kwh], abs=0.05)
    assert measured == ["Measured", "50", "%", "0", "%", "0", "%", "0", "%", "-"]
