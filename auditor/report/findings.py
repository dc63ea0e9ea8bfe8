"""What a reader must know about the data behind a report, as sentences for every view."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.domain.job import QualityFlag
from auditor.report.filters import count_text, hours_number, percent_text
from auditor.report.model import BASES, Quality, Report, UnmatchedNode

N_LISTED = 3
NAMING_HINT = "Name what the nodes have under [[clusters.nodes]] in the configuration."
RUNAWAY_HINT = "An operator can end them: sacctmgr show runawayjobs."
TEXT_OF_BASIS = {
    "measured": "measured",
    "utilisation": "from reported utilisation",
    "modelled": "modelled",
    "assumed": "from a stated load factor",
}
TEXT_OF_METHOD = {
    "tdp": "Energy is the nameplate power of the accelerators times their hours and nothing else, "
    "as in the ML Emissions Calculator.",
    "green-algorithms": "Energy is the CPU time used times the watts of a core, the accelerators "
    "at nameplate power and the memory asked for, times the overhead of the facility, as in Green "
    "Algorithms.",
    "calibrated": "Energy is what accelerators, processors, memory and the rest of the nodes drew "
    "while the jobs held them, by the best basis known for each, times the overhead of the "
    "facility. The range takes every factor at its low and at its high end together.",
}


@dataclass(frozen=True)
class Finding:
    """One thing about the data, what to do about it, and whether it lessens the trust in it.

    Text may hold names from outside: clean it for where it goes.
    """

    text: str
    hint: str = ""
    is_doubt: bool = False


def method_text(report: Report) -> str:
    """Say in a sentence or two how the energy was estimated."""
    return TEXT_OF_METHOD.get(report.provenance.method, TEXT_OF_METHOD["calibrated"])


def findings(report: Report) -> tuple[Finding, ...]:
    """List what the numbers rest on and what is doubtful about them, the general first."""
    quality = report.quality
    return (
        *_bases(quality),
        *_intensity(quality),
        *_rows(quality),
        *_hardware(quality),
        *_runs(quality),
        *(Finding(note.text, note.hint, is_doubt=True) for note in quality.facts.notes),
    )


def incomplete_reasons(report: Report) -> tuple[str, ...]:
    """Say why the answer rests on incomplete data, for `--strict`; empty where it does not."""
    quality = report.quality
    reasons = []
    if quality.facts.n_rejected:
        reasons.append(f"{count_text(quality.facts.n_rejected, 'row')} refused")
    if quality.unmatched_nodes:
        n_runs = sum(node.n_jobs for node in quality.unmatched_nodes)
        reasons.append(f"{count_text(n_runs, 'run')} on unknown accelerators")
    if quality.intensity_measured_ratio is not None and quality.intensity_measured_ratio < 1:
        share = percent_text(1 - quality.intensity_measured_ratio)
        reasons.append(f"{share} of the energy without a measured grid intensity")
    if quality.n_runaways:
        reasons.append(f"{count_text(quality.n_runaways, 'run')} called running past the limit")
    return tuple(reasons)


def _bases(quality: Quality) -> Iterator[Finding]:
    shares = ((basis, quality.energy_basis_ratio.get(basis)) for basis in BASES)
    parts = [f"{percent_text(share)} {TEXT_OF_BASIS[basis]}" for basis, share in shares if share]
    if parts:
        yield Finding(f"Energy: {', '.join(parts)}.")


def _intensity(quality: Quality) -> Iterator[Finding]:
    ratio = quality.intensity_measured_ratio
    if ratio is None:
        return
    if ratio == 0:
        yield Finding(
            "Grid intensity: a forecast, an estimate or the annual value of the zone in all hours; "
            "none was measured.",
            is_doubt=True,
        )
        return
    if ratio == 1:
        yield Finding("Grid intensity: all of the energy in hours with a measured value.")
        return
    yield Finding(
        f"Grid intensity: {percent_text(ratio)} of the energy in hours with a measured value; "
        "the rest takes a forecast, an estimate or the annual value of the zone.",
        is_doubt=True,
    )


def _rows(quality: Quality) -> Iterator[Finding]:
    facts = quality.facts
    if not facts.n_rejected:
        if facts.n_rows:
            yield Finding(f"Accounting: {facts.n_rows:,} rows read, none refused.")
        return
    first = "; ".join(
        f"{reject.source}:{reject.line} {reject.reason}" for reject in facts.rejects[:N_LISTED]
    )
    more = ", first" if facts.n_rejected > N_LISTED else ""
    yield Finding(
        f"Accounting: {facts.n_rows:,} rows read, {facts.n_rejected:,} refused{more}: {first}.",
        is_doubt=True,
    )


def _hardware(quality: Quality) -> Iterator[Finding]:
    nodes = quality.unmatched_nodes
    if nodes:
        listed = "; ".join(_unmatched(node) for node in nodes[:N_LISTED])
        more = f"; and {len(nodes) - N_LISTED:,} more like that" if len(nodes) > N_LISTED else ""
        yield Finding(
            f"Accelerators that the catalogue does not know, on stated default watts: "
            f"{listed}{more}.",
            NAMING_HINT,
            is_doubt=True,
        )
    if quality.n_unknown_cpu:
        yield Finding(
            f"{count_text(quality.n_unknown_cpu, 'run')} on processors that nobody named, on the "
            "stated default watts per core.",
            NAMING_HINT,
        )


def _unmatched(node: UnmatchedNode) -> str:
    return (
        f"{node.accelerator} on {node.cluster} ({node.partition or 'no partition'}), "
        f"{count_text(node.n_jobs, 'run')} and {hours_number(node.gpu_s)} GPU hours"
    )


def _runs(quality: Quality) -> Iterator[Finding]:
    if quality.n_open:
        yield Finding(
            f"{count_text(quality.n_open, 'run')} had not ended, counted up to the moment of the "
            "export."
        )
    for flag in quality.flags:
        listed = _runaways(quality) if flag.code == QualityFlag.RUNAWAY.name else ""
        hint = RUNAWAY_HINT if listed else ""
        text = f"{count_text(flag.n_jobs, 'run')}: {flag.text}{listed}."
        yield Finding(text, hint, is_doubt=True)


def _runaways(quality: Quality) -> str:
    listed = ", ".join(
        f"{runaway.job_id} on {runaway.cluster} ({hours_number(runaway.reported_s)} h reported, "
        f"{hours_number(runaway.counted_s)} h counted)"
        for runaway in quality.runaways[:N_LISTED]
    )
    more = " ..." if quality.n_runaways > N_LISTED else ""
    return f": {listed}{more}"
