"""The two methods for comparison, told for one run."""

from auditor.energy.step import Facts, Step, absent, constant_step, number
from auditor.units import S_PER_HOUR


def tdp_steps(facts: Facts) -> list[Step]:
    """List the factors of maximum power x time; cores, memory and node are not counted."""
    left_out = "not counted by this method"
    return [
        *_gpu(facts, float(facts.hardware["gpu_max_w"])),
        absent("cpu", left_out),
        absent("memory", left_out),
        absent("node", left_out),
    ]


def green_algorithms_steps(facts: Facts) -> list[Step]:
    """List the factors of the Green Algorithms formula."""
    return [
        *_gpu(facts, facts.watts("gpu", "max")),
        *_cpu(facts),
        *_memory(facts),
        absent("node", "not counted by this method"),
    ]


def _gpu(facts: Facts, max_w: float) -> list[Step]:
    n_gpu = facts.of_job("n_gpu")
    if not n_gpu * facts.hours * max_w > 0:
        return [absent("gpu", "no accelerator allocated, or no time")]
    model = facts.hardware["gpu_model"]
    formula = f"{number(n_gpu)} accelerators x {number(max_w)} W x {number(facts.hours)} h"
    return [
        Step("gpu_max_power", number(max_w), max_w, "W", f"{model}; {facts.rule}"),
        Step(
            "gpu",
            formula,
            n_gpu * max_w * facts.hours,
            "Wh",
            "basis: assumed, full power all the time",
        ),
    ]


def _cpu(facts: Facts) -> list[Step]:
    total_cpu_s = facts.of_job("total_cpu_s")
    n_cpus = facts.of_job("n_cpus")
    if total_cpu_s > 0:
        core_h = total_cpu_s / S_PER_HOUR
        time = Step("cpu_time", f"{number(total_cpu_s)} s / 3600", core_h, "h", "accounting")
        basis = "utilisation"
    else:
        core_h = n_cpus * facts.hours
        formula = f"{number(n_cpus)} cores x {number(facts.hours)} h"
        time = Step("cpu_time", formula, core_h, "h", "no CPU time recorded: full load")
        basis = "assumed"
    if not core_h > 0:
        return [absent("cpu", "no core allocated, or no time")]
    max_w = facts.watts("cpu", "max", "w_per_core")
    formula = f"{number(core_h)} h x {number(max_w)} W"
    return [
        time,
        Step("core_max_power", number(max_w), max_w, "W", facts.rule),
        Step("cpu", formula, core_h * max_w, "Wh", f"basis: {basis}"),
    ]


def _memory(facts: Facts) -> list[Step]:
    memory_gb = facts.of_job("requested_memory_decimal_gb")
    if not memory_gb * facts.hours > 0:
        return [absent("memory", "no memory known, or no time")]
    per_gb = constant_step(facts, "memory_w_per_gb", "memory_power_per_gb", "W/GB")
    formula = f"{number(memory_gb)} GB x {number(per_gb.value)} W/GB x {number(facts.hours)} h"
    return [
        Step("memory_size", number(memory_gb), memory_gb, "GB", "requested, 1000 M to the G"),
        per_gb,
        Step(
            "memory",
            formula,
            memory_gb * facts.hours * per_gb.value,
            "Wh",
            "basis: modelled",
        ),
    ]
