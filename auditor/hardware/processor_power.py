"""Powers of one core of the nodes of one kind of job."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from auditor.domain.hardware import Cpu, HardwareDefaults, NodeProfile
from auditor.hardware.catalogue import Catalogue, Resolution
from auditor.hardware.evidence import Evidence
from auditor.hardware.figures import Figures, Triple, each, mean, span, stated


@dataclass(frozen=True)
class ProcessorPower:
    """Finds watts per core in the catalogue, or takes the default.

    Slurm may count threads as CPUs. Figures of the catalogue and the default are per physical
    core and are divided by the CPUs per core where a node listing tells them; what a rule states
    is per CPU as the scheduler counts them, and is taken as it is.
    """

    catalogue: Catalogue
    defaults: HardwareDefaults

    def of(self, kinds: Sequence[tuple[Evidence, float]]) -> Figures:
        """Return the powers of one CPU as the scheduler counts them, mean over the nodes."""
        return mean([(self._of_node(evidence), n_nodes) for evidence, n_nodes in kinds])

    def _of_node(self, evidence: Evidence) -> Figures:
        rule, listed = evidence.rule or NodeProfile(""), evidence.listed
        listed_cpus_per_core = listed.n_cpus_per_core if listed else None
        n_cpus_per_core = rule.n_cpus_per_core or listed_cpus_per_core or 1.0
        found, said = self._found(rule, listed)
        model = found.candidates[0].name if found else ""
        is_known = True
        if rule.cpu_w_per_core is not None:
            max_w, said = stated(rule.cpu_w_per_core), rule.rule
        elif found is not None:
            max_w = span([stated(one.w_per_core / n_cpus_per_core) for one in found.candidates])
            if found.is_ambiguous:
                said += (
                    f"; {found.word} fits {len(found.candidates)} models, the commonest is taken"
                )
        else:
            max_w = each(watts / n_cpus_per_core for watts in self.defaults.unknown_cpu_w_per_core)
            said = f"default: nobody knows {rule.cpu or 'the processor'}"
            is_known = False
        figures = Figures(model, max_w, self._idle_w(max_w), is_known, said)
        if rule.cpu_idle_w_per_core is None:
            return figures
        return figures.with_idle(rule.cpu_idle_w_per_core)

    def _found(
        self, rule: NodeProfile, listed: NodeProfile | None
    ) -> tuple[Resolution[Cpu] | None, str]:
        """Find the model and who said so: the rule's name, else the listing's features."""
        if rule.cpu:
            return self.catalogue.find_cpu(rule.cpu), rule.rule
        if listed is None:
            return None, ""
        pairs = permutations(listed.features, 2)
        words = [*listed.features, *(first + second for first, second in pairs)]
        known = [found for word in words if (found := self.catalogue.find_cpu(word))]
        best = min(known, key=lambda one: len(one.candidates)) if known else None
        return best, listed.rule

    def _idle_w(self, max_w: Triple) -> Triple:
        ratios = self.defaults.cpu_idle_ratio
        return each(ratio * watts for ratio, watts in zip(ratios, max_w, strict=True))
