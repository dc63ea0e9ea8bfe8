"""Give every job the watts of what it ran on, and say which rule gave them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import HARDWARE, check
from auditor.domain.hardware import HardwareDefaults, NodeRule
from auditor.hardware.accelerator_power import AcceleratorPower
from auditor.hardware.catalogue import Catalogue
from auditor.hardware.evidence import Composition, Evidence, EvidenceFinder
from auditor.hardware.figures import NO_POWER, Figures, mean
from auditor.hardware.inventory import NodeInventory
from auditor.hardware.processor_power import ProcessorPower

_KEYS = ("cluster", "partition", "node_list", "gpu_types")
_N_EXAMPLES = 3
_N_REMEMBERED = 200_000
_NO_GPU = Figures("", NO_POWER, NO_POWER, is_known=True, rule="none")

# Cluster, partition, node list and accelerator types of a job.
_Combination = tuple[str, str, str, str]


@dataclass(frozen=True)
class UnmatchedHardware:
    """Accelerators whose model nobody knows, by the site's word for them.

    `word` is '' where accounting gives no type; `nodes` are up to three node lists they were
    on, those with the most accelerator time first.
    """

    cluster: str
    partition: str
    word: str
    nodes: tuple[str, ...]
    n_jobs: int
    gpu_s: float


@dataclass(frozen=True)
class MatchedHardware:
    """The HARDWARE frame on the jobs' index, and what could not be matched."""

    frame: pd.DataFrame
    unmatched: tuple[UnmatchedHardware, ...]


@dataclass(frozen=True)
class _Match:
    """The figures of all jobs alike: their accelerators, their processors, their nodes' base."""

    gpu: Figures
    cpu: Figures
    node_base_w: float
    n_cores_of_node: float
    unknown: tuple[tuple[str, float], ...]  # word and its share of the accelerators


class HardwareMatcher:
    """Finds the powers of jobs' hardware, and remembers what it found from one frame to the next.

    For accelerators: the first rule that fits the node (unless accounting names another model
    that the catalogue knows), accounting's own type, the node listing, the default. For
    processors: the rule, the listing's features, the default. Figures that a rule states are
    taken before those of the model it names. A job over unlike nodes has their mean, weighted
    by nodes; a job with several models their mean, weighted by count.

    Parameters
    ----------
    rules
        The configuration's rules, first match first.
    inventory
        Node listings, or None.
    catalogue, defaults
        Where figures are looked up, and what is taken when nobody knows.
    """

    def __init__(
        self,
        rules: Sequence[NodeRule],
        inventory: NodeInventory | None,
        catalogue: Catalogue,
        defaults: HardwareDefaults,
    ) -> None:
        self._finder = EvidenceFinder(rules, inventory)
        self._gpu_power = AcceleratorPower(catalogue, defaults)
        self._cpu_power = ProcessorPower(catalogue, defaults)
        self._found: list[_Match] = []
        self._number_of: dict[tuple[Composition, str], int] = {}
        self._number_of_combination: dict[_Combination, int] = {}

    def powers(self, jobs: pd.DataFrame) -> pd.DataFrame:
        """Return the HARDWARE frame of a JOBS frame, on its index [W].

        An accelerator's powers are NaN for a job without one.
        """
        combination_of_job, combinations = _combinations(jobs)
        return self._frame(jobs, combination_of_job, self._numbers(combinations))

    def match(self, jobs: pd.DataFrame) -> MatchedHardware:
        """Return the same, and what could not be matched."""
        combination_of_job, combinations = _combinations(jobs)
        numbers = self._numbers(combinations)
        frame = self._frame(jobs, combination_of_job, numbers)
        match_of_combination = [self._found[number] for number in numbers]
        unmatched = _unmatched(jobs, combination_of_job, combinations, match_of_combination)
        return MatchedHardware(frame, unmatched)

    def _frame(
        self,
        jobs: pd.DataFrame,
        combination_of_job: NDArray[np.int64],
        numbers: NDArray[np.int64],
    ) -> pd.DataFrame:
        return check(_frame(jobs, self._found, numbers[combination_of_job]), HARDWARE)

    def _numbers(self, combinations: list[_Combination]) -> NDArray[np.int64]:
        if len(self._number_of_combination) > _N_REMEMBERED:
            self._number_of_combination.clear()
        return np.fromiter(map(self._number, combinations), np.int64, len(combinations))

    def _number(self, combination: _Combination) -> int:
        number = self._number_of_combination.get(combination)
        if number is None:
            number = self._number_of_combination[combination] = self._find(combination)
        return number

    def _find(self, combination: _Combination) -> int:
        cluster, partition, node_list, gpu_types = combination
        composition = self._finder.compose(cluster, partition, node_list)
        key = (composition, gpu_types)
        number = self._number_of.get(key)
        if number is None:
            number = self._number_of[key] = len(self._found)
            kinds = [(self._finder.kinds[kind], float(n_nodes)) for kind, n_nodes in composition]
            self._found.append(_match(gpu_types, kinds, self._gpu_power, self._cpu_power))
        return number


def match_hardware(
    jobs: pd.DataFrame,
    rules: Sequence[NodeRule],
    inventory: NodeInventory | None,
    catalogue: Catalogue,
    defaults: HardwareDefaults,
) -> MatchedHardware:
    """Match one frame of jobs (see `HardwareMatcher`)."""
    return HardwareMatcher(rules, inventory, catalogue, defaults).match(jobs)


def _combinations(
    jobs: pd.DataFrame,
) -> tuple[NDArray[np.int64], list[_Combination]]:
    """Find the distinct cluster, partition, node list and types; missing text is ''."""
    combined = np.zeros(len(jobs), dtype=np.int64)
    texts: list[NDArray[np.object_]] = []
    for name in _KEYS:
        column = jobs[name].cat
        texts.append(np.append(np.array([""], dtype=object), column.categories.to_numpy(object)))
        combined = combined * (len(column.categories) + 1) + (column.codes.to_numpy() + 1)
    combination_of_job, distinct = pd.factorize(combined)
    cells: list[NDArray[np.object_]] = []
    for text in reversed(texts):
        distinct, place = np.divmod(distinct, len(text))
        cells.append(text[place])
    return combination_of_job, list(zip(*reversed(cells), strict=True))


def _match(
    gpu_types: str,
    kinds: Sequence[tuple[Evidence, float]],
    gpu_power: AcceleratorPower,
    cpu_power: ProcessorPower,
) -> _Match:
    words = _words_and_counts(gpu_types)
    by_word = [(word, gpu_power.of(word, kinds), count) for word, count in words]
    gpu = mean([(figures, count) for _, figures, count in by_word]) if by_word else _NO_GPU
    n_gpus = sum(count for _, count in words)
    unknown = tuple(
        (word, count / n_gpus) for word, figures, count in by_word if not figures.is_known
    )
    return _Match(gpu, cpu_power.of(kinds), *_node_base(kinds), unknown)


def _node_base(kinds: Sequence[tuple[Evidence, float]]) -> tuple[float, float]:
    """Return base load [W] and cores of one node, mean over the nodes; NaN unless all state both.

    Were a part of the nodes enough, its load would be charged to the others as well.
    """
    n_nodes = sum(count for _, count in kinds)
    base_w = n_cores = 0.0
    for evidence, count in kinds:
        rule, listed = evidence.rule, evidence.listed
        if rule is None or rule.node_base_w is None:
            return math.nan, math.nan
        base_w += rule.node_base_w * count
        cores = rule.n_cores or (listed.n_cores if listed else None)
        n_cores += (cores or math.nan) * count
    return base_w / n_nodes, n_cores / n_nodes


def _words_and_counts(gpu_types: str) -> list[tuple[str, float]]:
    """Read 'a100=1,v100=1' or '=2'."""
    words: list[tuple[str, float]] = []
    for item in gpu_types.split(",") if gpu_types else ():
        word, _, count = item.rpartition("=")
        words.append((word, float(count)))
    return [(word, count) for word, count in words if count > 0]


def _frame(
    jobs: pd.DataFrame, found: Sequence[_Match], number_of_job: NDArray[np.int64]
) -> pd.DataFrame:
    def column(values: Sequence[float]) -> NDArray[np.float64]:
        return np.array(values, dtype=np.float64)[number_of_job]

    def flag(values: Sequence[bool]) -> NDArray[np.bool_]:
        return np.array(values, dtype=np.bool_)[number_of_job]

    def category(values: Sequence[str]) -> pd.Categorical:
        codes, distinct = pd.factorize(np.array(values, dtype=object))
        return pd.Categorical.from_codes(
            codes[number_of_job], categories=pd.Index(distinct, dtype="str")
        )

    columns = {
        "gpu_model": category([one.gpu.model for one in found]),
        "gpu_max_w": column([one.gpu.max_w[1] for one in found]),
        "gpu_max_low_w": column([one.gpu.max_w[0] for one in found]),
        "gpu_max_high_w": column([one.gpu.max_w[2] for one in found]),
        "gpu_idle_w": column([one.gpu.idle_w[1] for one in found]),
        "gpu_idle_low_w": column([one.gpu.idle_w[0] for one in found]),
        "gpu_idle_high_w": column([one.gpu.idle_w[2] for one in found]),
        "gpu_known": flag([one.gpu.is_known for one in found]),
        "gpu_ambiguous": flag([one.gpu.is_ambiguous for one in found]),
        "cpu_model": category([one.cpu.model for one in found]),
        "cpu_max_w_per_core": column([one.cpu.max_w[1] for one in found]),
        "cpu_max_low_w_per_core": column([one.cpu.max_w[0] for one in found]),
        "cpu_max_high_w_per_core": column([one.cpu.max_w[2] for one in found]),
        "cpu_idle_w_per_core": column([one.cpu.idle_w[1] for one in found]),
        "cpu_known": flag([one.cpu.is_known for one in found]),
        "node_base_w": _node_base_w(jobs, found, number_of_job),
        "hardware_rule": category([f"gpu: {one.gpu.rule}; cpu: {one.cpu.rule}" for one in found]),
    }
    return pd.DataFrame(columns, index=jobs.index, copy=False)


def _node_base_w(
    jobs: pd.DataFrame, found: Sequence[_Match], number_of_job: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give each job its share of its nodes' base load: its CPUs over theirs, at most all [W]."""
    base_w = np.array([one.node_base_w for one in found], dtype=np.float64)
    if np.isnan(base_w).all():
        return np.full(len(jobs), math.nan)
    n_cores = np.array([one.n_cores_of_node for one in found], dtype=np.float64)[number_of_job]
    n_cpus = jobs["n_cpus"].to_numpy(dtype=np.float64)
    n_nodes_held = np.minimum(jobs["n_nodes"].to_numpy(dtype=np.float64), n_cpus / n_cores)
    return np.asarray(base_w[number_of_job] * n_nodes_held, dtype=np.float64)


def _unmatched(
    jobs: pd.DataFrame,
    combination_of_job: NDArray[np.int64],
    combinations: Sequence[_Combination],
    match_of_combination: Sequence[_Match],
) -> tuple[UnmatchedHardware, ...]:
    """List the accelerators that nobody knows, by cluster, partition and word, largest first."""
    unknown = [n for n, match in enumerate(match_of_combination) if match.unknown]
    if not unknown:
        return ()
    gpu_s = (jobs["n_gpu"] * jobs["elapsed_s"]).fillna(0.0).to_numpy()
    n_jobs = np.bincount(combination_of_job, minlength=len(combinations))
    gpu_s = np.bincount(combination_of_job, weights=gpu_s, minlength=len(combinations))
    rows = [
        (*combinations[n][:2], word, combinations[n][2], int(n_jobs[n]), share * float(gpu_s[n]))
        for n in unknown
        for word, share in match_of_combination[n].unknown
    ]
    table = pd.DataFrame(rows, columns=["cluster", "partition", "word", "nodes", "n_jobs", "gpu_s"])
    table = table.sort_values(["gpu_s", "nodes"], ascending=[False, True], kind="stable")
    groups = [
        UnmatchedHardware(
            cluster=str(group["cluster"].iloc[0]),
            partition=str(group["partition"].iloc[0]),
            word=str(group["word"].iloc[0]),
            nodes=tuple(dict.fromkeys(filter(None, group["nodes"])))[:_N_EXAMPLES],
            n_jobs=int(group["n_jobs"].sum()),
            gpu_s=float(group["gpu_s"].sum()),
        )
        for _, group in table.groupby(["cluster", "partition", "word"], sort=True)
    ]
    return tuple(sorted(groups, key=lambda group: -group.gpu_s))
