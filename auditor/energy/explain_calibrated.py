"""The calibrated method, told for one run."""

import math

import numpy as np

from auditor.energy.calibrated import cpu_time_is_known
from auditor.energy.explain_load import Load, load_steps, power_line
from auditor.energy.explain_metered import Metered, measured_steps, refused_steps
from auditor.energy.model import CENTRAL
from auditor.energy.step import Facts, Step, absent, constant_step, number
from auditor.units import BYTES_PER_GIB, S_PER_HOUR


def steps(facts: Facts) -> list[Step]:
    """List the factors of each component, each list closed by the component's energy."""
    gpu, cpu, memory = _gpu(facts), _cpu(facts), _memory(facts)
    parts = (gpu[-1], cpu[-1], memory[-1])
    return [*gpu, *cpu, *memory, *_node(facts, parts)]


def _gpu(facts: Facts) -> list[Step]:
    if not facts.of_job("n_gpu") * facts.hours * facts.watts("gpu", "max") > 0:
        return [absent("gpu", "no accelerator allocated, or no time")]
    metered = Metered.of(facts)
    modelled = _modelled_gpu(facts, metered.covered_ratio)
    if not metered.is_believed:
        return [*refused_steps(metered), *modelled]
    measured = measured_steps(metered)
    measured_wh, modelled_wh = measured[-1].value, modelled[-1].value
    terms = [measured_wh] if metered.covered_ratio == 1 else [measured_wh, modelled_wh]
    total = Step(
        label="gpu",
        formula=" + ".join(f"{number(term)} Wh" for term in terms),
        value=sum(terms),
        unit="Wh",
        source=f"basis: {_metered_basis(facts, metered)}",
    )
    return [*measured, *(modelled if len(terms) > 1 else []), total]


def _metered_basis(facts: Facts, metered: Metered) -> str:
    """Say what the larger part of the central energy rests on."""
    central = Facts(facts.job, facts.hardware, facts.model, CENTRAL)
    modelled_wh = _modelled_gpu(central, metered.covered_ratio)[-1].value
    if metered.central_wh >= modelled_wh:
        return "measured" if modelled_wh == 0 else "measured, for the larger part"
    basis = Load.of(facts, metered.covered_ratio).basis.split(",")[0]
    return f"{basis}, for the larger part"


def _modelled_gpu(facts: Facts, covered_ratio: float) -> list[Step]:
    """Tell what the model says of the time that no meter covers."""
    load = Load.of(facts, covered_ratio)
    n_gpu, model = facts.of_job("n_gpu"), facts.hardware["gpu_model"]
    line = power_line("gpu_power", load.idle_w, load.max_w, load.value)
    energy = _product("gpu", (n_gpu, "accelerators"), line.value, facts.hours, load.basis)
    if covered_ratio > 0:
        rest_ratio = 1.0 - covered_ratio
        energy = Step(
            label="gpu_modelled",
            formula=f"{energy.formula} x (1 - {number(covered_ratio)})",
            value=energy.value * rest_ratio,
            unit="Wh",
            source=f"the part that nobody metered; {energy.source}",
        )
    return [
        Step("gpu_idle_power", number(load.idle_w), load.idle_w, "W", f"{model}; {facts.rule}"),
        Step("gpu_max_power", number(load.max_w), load.max_w, "W", f"{model}; {facts.rule}"),
        *load_steps(load),
        line,
        energy,
    ]


def _cpu(facts: Facts) -> list[Step]:
    n_cpus = facts.of_job("n_cpus")
    if not n_cpus * facts.hours > 0:
        return [absent("cpu", "no core allocated, or no time")]
    max_w = facts.watts("cpu", "max", "w_per_core")
    factor = constant_step(facts, "cpu_idle_factor", "cpu_idle_factor")
    stated_w = facts.watts("cpu", "idle", "w_per_core")
    idle_w = min(stated_w * factor.value, max_w)
    load = _cpu_load(facts, n_cpus)
    power_w = idle_w + (max_w - idle_w) * load.value
    lower = f"{number(stated_w)} W x {number(factor.value)}, at most {number(max_w)} W"
    return [
        factor,
        Step("core_idle_power", lower, idle_w, "W", facts.rule),
        Step("core_max_power", number(max_w), max_w, "W", facts.rule),
        load,
        power_line("core_power", idle_w, max_w, load.value),
        _product(
            "cpu",
            (n_cpus, "cores"),
            power_w,
            facts.hours,
            basis="utilisation" if _cpu_time_is_recorded(facts) else "assumed",
        ),
    ]


def _cpu_load(facts: Facts, n_cpus: float) -> Step:
    total_cpu_s = facts.of_job("total_cpu_s")
    elapsed_s = facts.of_job("elapsed_s")
    if not _cpu_time_is_recorded(facts):
        return constant_step(facts, "cpu_load_ratio", "cpu_load")
    used = min(total_cpu_s / (n_cpus * facts.hours * S_PER_HOUR), 1.0)
    formula = f"{number(total_cpu_s)} s / ({number(n_cpus)} x {number(elapsed_s)} s), at most 1"
    return Step("cpu_load", formula, used, "", "accounting: CPU time over cores x time")


def _cpu_time_is_recorded(facts: Facts) -> bool:
    total_cpu_s = np.array([facts.of_job("total_cpu_s")])
    return bool(cpu_time_is_known(total_cpu_s, np.array([facts.of_job("elapsed_s")]))[0])


def _memory(facts: Facts) -> list[Step]:
    memory_bytes = facts.of_job("memory_bytes")
    if not memory_bytes * facts.hours > 0:
        return [absent("memory", "no memory known, or no time")]
    memory_gb = memory_bytes / BYTES_PER_GIB
    per_gb = constant_step(facts, "memory_w_per_gb", "memory_power_per_gb", "W/GB")
    return [
        Step(
            label="memory_size",
            formula=f"{number(memory_bytes)} B / 1073741824",
            value=memory_gb,
            unit="GB",
            source="accounting: allocated memory, 2^30 bytes to the GB as modules are sold",
        ),
        per_gb,
        _product("memory", (memory_gb, "GB"), per_gb.value, facts.hours, basis="modelled"),
    ]


def _node(facts: Facts, parts: tuple[Step, ...]) -> list[Step]:
    base_w = float(facts.hardware["node_base_w"])
    if not math.isnan(base_w):
        formula = f"{number(base_w)} W x {number(facts.hours)} h"
        return [Step("node", formula, base_w * facts.hours, "Wh", f"basis: modelled; {facts.rule}")]
    ratio = constant_step(facts, "rest_of_node_ratio", "rest_of_node_ratio")
    terms = " + ".join(number(part.value) for part in parts)
    return [
        ratio,
        Step(
            label="node",
            formula=f"{number(ratio.value)} x ({terms}) Wh",
            value=ratio.value * sum(part.value for part in parts),
            unit="Wh",
            source="basis: assumed, a share of the other components",
        ),
    ]


def _product(
    label: str, count: tuple[float, str], power_w: float, hours: float, basis: str
) -> Step:
    quantity, what = count
    unit = "W/GB" if what == "GB" else "W"
    formula = f"{number(quantity)} {what} x {number(power_w)} {unit} x {number(hours)} h"
    return Step(label, formula, quantity * hours * power_w, "Wh", f"basis: {basis}")
