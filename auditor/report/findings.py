"""What a reader must know about the data behind a report, as sentences for every view."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditor.domain.job import NOBODY, QualityFlag
from auditor.report.doubts import AmbiguousGpu, UnmatchedNode, ZoneIntensity
from auditor.report.filters import count_text, hours_number, percent_text
from auditor.report.model import BASES, IntensitySource, Quality, Report
from auditor.report.shortfalls import asides, shortfall_reasons
from auditor.report.unended import open_hint, open_text, runaway_hint

N_LISTED = 3
MOST_OPEN_RATIO = 0.2
MOST_ASSUMED_RATIO = 0.5
_ROUNDING = 1e-9
NAMING_HINT = "Name what the nodes have under [[clusters.nodes]] in the configuration."
MODEL_HINT = "`gpu = ...` with the exact model under [[clusters.nodes]] settles it."
METER_HINT = "`auditor explain JOBID` says what they said and why it was not believed."
_NAMED_WHEN_READ = (
    "Pods are named when they are read: a change of the setting names those that the next `auditor "
    "collect` can still ask for; older pods stay unnamed."
)
# They say what a run is, and weaken nothing: a pod has a uid, whenever it was created.
_INFORMING = {
    (QualityFlag.PLATFORM.name, None),
    (QualityFlag.AGGREGATE.name, None),
    (QualityFlag.SUBMIT_FROM_START.name, "kubernetes"),
}
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
    """One thing about the data and what to do about it.

    A doubt weakens the numbers; what is sound needs no further look; anything else is for
    information. A hint is for operators, who have the configuration and the ledger, unless it is
    for everybody. Text may hold names from outside: clean it for where it goes.
    """

    text: str
    hint: str = ""
    is_hint_for_all: bool = False
    is_doubt: bool = False
    is_sound: bool = False


def method_text(report: Report) -> str:
    """Say in a sentence or two how the energy was estimated."""
    return TEXT_OF_METHOD.get(report.provenance.method, TEXT_OF_METHOD["calibrated"])


def findings(report: Report) -> tuple[Finding, ...]:
    """List what the numbers rest on and what is doubtful about them, the general first."""
    quality = report.quality
    found = (
        *_bases(quality),
        *_intensity(report),
        *_rows(quality),
        *_hardware(quality),
        *_meters(report),
        *_runs(quality),
        *(Finding(line) for line in asides(report)),
        *(Finding(note.text, note.hint, is_doubt=True) for note in quality.facts.notes),
    )
    if quality.facts.is_for_operators:
        return found
    return tuple(one if one.is_hint_for_all else replace(one, hint="") for one in found)


def incomplete_reasons(report: Report) -> tuple[str, ...]:
    """Say why the answer rests on incomplete data, for `--strict`; empty where it does not."""
    quality = report.quality
    reasons = [*shortfall_reasons(report)]
    if quality.facts.n_rejected:
        reasons.append(f"{count_text(quality.facts.n_rejected, 'row')} refused")
    if quality.unmatched_nodes:
        n_runs = sum(node.n_jobs for node in quality.unmatched_nodes)
        reasons.append(f"{count_text(n_runs, 'run')} on unknown accelerators")
    if (unmeasured_ratio := _unmeasured_ratio(report)) > _ROUNDING:
        share = percent_text(unmeasured_ratio)
        reasons.append(f"{share} of the energy without a measured grid intensity")
    if quality.n_runaways:
        reasons.append(f"{count_text(quality.n_runaways, 'run')} called running past the limit")
    return tuple(reasons)


def _unmeasured_ratio(report: Report) -> float:
    """Return the share of the energy that is neither measured nor under a stated constant."""
    if report.quality.intensity_measured_ratio is None:
        return 0.0
    stated = {source.zone for source in report.provenance.intensity if source.is_stated}
    stated_ratio = sum(
        zone.energy_ratio * (1 - zone.measured_ratio)
        for zone in report.quality.zones
        if zone.zone in stated
    )
    return 1 - report.quality.intensity_measured_ratio - stated_ratio


def _bases(quality: Quality) -> Iterator[Finding]:
    share_of = {basis: quality.energy_basis_ratio.get(basis) or 0.0 for basis in BASES}
    parts = [
        f"{percent_text(share)} {TEXT_OF_BASIS[basis]}"
        for basis, share in share_of.items()
        if share
    ]
    if parts:
        yield Finding(
            f"Energy: {', '.join(parts)}.",
            is_doubt=share_of["assumed"] > MOST_ASSUMED_RATIO,
            is_sound=share_of["measured"] >= 1,
        )


def _intensity(report: Report) -> Iterator[Finding]:
    source_of = {source.zone: source for source in report.provenance.intensity}
    zones = report.quality.zones
    for zone in zones:
        of_energy = f" ({percent_text(zone.energy_ratio)} of the energy)" if len(zones) > 1 else ""
        name = f"Grid intensity of {zone.zone}{of_energy}"
        yield _zone_finding(name, zone, source_of.get(zone.zone))


def _zone_finding(name: str, zone: ZoneIntensity, source: IntensitySource | None) -> Finding:
    if zone.measured_ratio >= 1 - _ROUNDING:
        return Finding(f"{name}: measured in all hours.", is_sound=True)
    if source is not None and source.is_stated:
        return Finding(f"{name}: stated constant.")
    if source is not None and source.is_constant:
        return Finding(f"{name}: one value for all hours, {source.source}.", is_doubt=True)
    rest = "forecast or estimated by its source"
    if source is not None and source.fallback_source:
        rest += f", or where it has no value: {source.fallback_source}"
    if zone.measured_ratio == 0:
        return Finding(f"{name}: measured in no hour, but {rest}.", is_doubt=True)
    ratio = percent_text(zone.measured_ratio)
    return Finding(
        f"{name}: {ratio} of its energy in hours with a measured value; the rest {rest}.",
        is_doubt=True,
    )


def _rows(quality: Quality) -> Iterator[Finding]:
    facts = quality.facts
    if not facts.n_rejected:
        if facts.n_rows:
            yield Finding(f"Accounting: {facts.n_rows:,} rows read, none refused.", is_sound=True)
        return
    counted = f"Accounting: {facts.n_rows:,} rows read, {facts.n_rejected:,} refused"
    if not facts.rejects:
        yield Finding(f"{counted}.", is_doubt=True)
        return
    first = "; ".join(
        f"{reject.source}:{reject.line} {reject.reason}" for reject in facts.rejects[:N_LISTED]
    )
    more = ", first" if facts.n_rejected > N_LISTED else ""
    yield Finding(f"{counted}{more}: {first}.", is_doubt=True)


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
            is_doubt=True,
        )
    if gpus := quality.ambiguous_gpus:
        listed = "; ".join(_ambiguous(gpu) for gpu in gpus[:N_LISTED])
        more = f"; and {len(gpus) - N_LISTED:,} more like that" if len(gpus) > N_LISTED else ""
        yield Finding(
            f"Accelerators whose name fits several models, the commonest taken: {listed}{more}.",
            MODEL_HINT,
            is_doubt=True,
        )


def _meters(report: Report) -> Iterator[Finding]:
    n_refused = report.quality.n_meter_refused
    if n_refused and report.provenance.method in ("", "calibrated"):
        yield Finding(
            f"{count_text(n_refused, 'run')}: the meters of the accelerators say more or less than "
            "such accelerators can draw; modelled instead.",
            METER_HINT,
            is_doubt=True,
        )


def _ambiguous(gpu: AmbiguousGpu) -> str:
    return (
        f"{gpu.word or 'the name in the configuration'} counted as {gpu.taken}, "
        f"{count_text(gpu.n_jobs, 'run')} and {hours_number(gpu.gpu_s)} GPU hours"
    )


def _unmatched(node: UnmatchedNode) -> str:
    return (
        f"{node.accelerator} on {node.cluster} ({node.partition or 'no partition'}), "
        f"{count_text(node.n_jobs, 'run')} and {hours_number(node.gpu_s)} GPU hours"
    )


def _runs(quality: Quality) -> Iterator[Finding]:
    yield from _open_runs(quality)
    for flag in quality.flags:
        listed = _runaways(quality) if flag.code == QualityFlag.RUNAWAY.name else ""
        hint = runaway_hint(quality.runaways) if listed else ""
        text = f"{count_text(flag.n_jobs, 'run')}: {flag.text}{listed}."
        informs = {(flag.code, flag.scheduler), (flag.code, None)} & _INFORMING
        yield Finding(text, hint, is_doubt=not informs)
    yield from _unnamed(quality)


def _open_runs(quality: Quality) -> Iterator[Finding]:
    if not quality.n_open:
        return
    known = quality.open_runs
    is_doubt = known.n_without_limit > 0 or (known.carbon_ratio or 0.0) > MOST_OPEN_RATIO
    hint = open_hint(known) if is_doubt else ""
    text = open_text(quality.n_open, known)
    yield Finding(text, hint, is_hint_for_all=True, is_doubt=is_doubt)


def _unnamed(quality: Quality) -> Iterator[Finding]:
    """Say which pods name nobody: a rule may be there that does not fit them."""
    if not quality.n_unnamed_pods:
        return
    n_runs = count_text(quality.n_unnamed_pods, "run")
    rules_of = dict(quality.facts.user_rules)
    ruled = [name for name in quality.unnamed_clusters if rules_of.get(name)]
    hints = [
        f"{name} names people by {', '.join(rules_of[name])} (`user` under [clusters.kubernetes]): "
        f"{'this pod has' if quality.n_unnamed_pods == 1 else 'these pods have'} none of it."
        for name in ruled
    ]
    if len(ruled) < len(quality.unnamed_clusters):
        hints.append("`user` under [clusters.kubernetes] says what names them.")
    text = f"{n_runs} of pods that name nobody, under {NOBODY}."
    yield Finding(text, " ".join((*hints, _NAMED_WHEN_READ)))


def _runaways(quality: Quality) -> str:
    listed = ", ".join(
        f"{runaway.job_id} on {runaway.cluster} ({hours_number(runaway.reported_s)} h reported, "
        f"{hours_number(runaway.counted_s)} h counted)"
        for runaway in quality.runaways[:N_LISTED]
    )
    more = " ..." if quality.n_runaways > N_LISTED else ""
    return f": {listed}{more}"
