"""Powers of the accelerators of one kind of job, from the best evidence there is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from auditor.domain.hardware import Accelerator, HardwareDefaults, NodeProfile
from auditor.hardware.catalogue import Catalogue, Resolution
from auditor.hardware.evidence import Evidence
from auditor.hardware.figures import Figures, Triple, each, mean, span, stated
from auditor.hardware.mig import slice_share, sliced

UNTYPED = "unknown accelerator"
# One A100 at idle: 46 W (Cloud Carbon Footprint), 55 to 62 W (AcmeTrace); 54 W plus or minus 15 %.
MEASURED_IDLE_SPREAD_RATIO = 0.15


@dataclass(frozen=True)
class AcceleratorPower:
    """Finds powers in the catalogue, or takes the defaults."""

    catalogue: Catalogue
    defaults: HardwareDefaults

    def of(self, word: str, kinds: Sequence[tuple[Evidence, float]]) -> Figures:
        """Return the powers of what accounting calls `word` ('' where it gives no type).

        `kinds` are the kinds of node the job is on, with their numbers. The rule counts first,
        unless accounting names another model that the catalogue knows; then a node listing that
        tells more than the type itself; then the type; then the defaults.
        """
        own = self.catalogue.find_accelerator(word) if word else None
        found = [
            (figures, n_nodes)
            for evidence, n_nodes in kinds
            if (figures := self._of_evidence(evidence, word, own))
        ]
        return mean(found) if found else self._of_word(word, own)

    def _of_evidence(
        self, evidence: Evidence, word: str, own: Resolution[Accelerator] | None
    ) -> Figures | None:
        """Take the rule, else the listing; None where neither says anything of use."""
        rule = evidence.rule
        if rule is None or (rule.gpu is None and rule.gpu_w is None):
            figures = self._of_listing(evidence.listed, own)
            has_other = not self._may_have(evidence.listed, own)
            if rule is None or rule.gpu_idle_w is None or has_other:
                return figures
            share = _share(own) if own else 1.0
            return (figures or self._of_word(word, own)).with_idle(rule.gpu_idle_w * share)
        return self._of_rule(rule, evidence.listed, own) or self._of_listing(evidence.listed, own)

    def _of_word(self, word: str, own: Resolution[Accelerator] | None) -> Figures:
        """Take accounting's own type, else the defaults."""
        if own is not None:
            return self._looked_up(own, f"accounting's type {word}")
        said = f"nobody knows {word}" if word else "accounting gives no type"
        return self._default(word or UNTYPED, said)

    def _of_rule(
        self,
        rule: NodeProfile,
        listed: NodeProfile | None,
        own: Resolution[Accelerator] | None,
    ) -> Figures | None:
        """Take the rule's model and figures; None where accounting names another known model."""
        named = self.catalogue.find_accelerator(rule.gpu) if rule.gpu else own
        if named is None:
            return self._of_uncatalogued(rule)
        meant = named if own is None else _shared(named, own)
        if meant is None:
            return None
        if listed is not None and self._may_have(listed, meant):
            meant = self._refined(meant, listed)
        figures, share = self._looked_up(meant, rule.rule), _share(meant)
        if rule.gpu_w is not None:
            max_w = rule.gpu_w * share
            idle_w = each(min(bound, max_w) for bound in figures.idle_w)
            figures = replace(figures, max_w=stated(max_w), idle_w=idle_w, is_ambiguous=False)
        return figures if rule.gpu_idle_w is None else figures.with_idle(rule.gpu_idle_w * share)

    def _of_uncatalogued(self, rule: NodeProfile) -> Figures:
        """Take a model that only the rule knows: its stated watts, else the defaults."""
        model = rule.gpu or UNTYPED
        if rule.gpu_w is None:
            return self._default(model, f"nobody knows {model}, named by {rule.rule}")
        idle_w = each(ratio * rule.gpu_w for ratio in self.defaults.gpu_idle_ratio)
        figures = Figures(model, stated(rule.gpu_w), idle_w, is_known=True, rule=rule.rule)
        return figures if rule.gpu_idle_w is None else figures.with_idle(rule.gpu_idle_w)

    def _of_listing(
        self, listed: NodeProfile | None, own: Resolution[Accelerator] | None
    ) -> Figures | None:
        """Take what a node listing says; None where it adds nothing to accounting's type."""
        if listed is None or listed.n_gpus == 0 or not self._may_have(listed, own):
            return None
        if own is not None:
            refined = self._refined(own, listed)
            return None if refined is own else self._looked_up(refined, listed.rule)
        typed = [self.catalogue.find_accelerator(word) for word in listed.gpu_types]
        known = [self._refined(one, listed) for one in typed if one is not None]
        if not known and (by_feature := self._of_features(listed)):
            known = [by_feature]
        return mean([(self._looked_up(one, listed.rule), 1.0) for one in known]) if known else None

    def _may_have(self, listed: NodeProfile | None, own: Resolution[Accelerator] | None) -> bool:
        """Tell whether a node can have this model: its listing names it, or names none at all.

        Features of a node with another model say nothing of this one.
        """
        if listed is None or own is None:
            return True
        for words in (listed.gpu_types, listed.features):
            named = [one for word in words if (one := self.catalogue.find_accelerator(word))]
            if named:
                return any(_shared(one, own) for one in named)
        return True

    def _refined(
        self, base: Resolution[Accelerator], listed: NodeProfile
    ) -> Resolution[Accelerator]:
        """Narrow `a100` by what stands beside it: the features `sxm4`, `80gb` leave one model."""
        words = [*listed.gpu_types, *_feature_words(listed)]
        words += [base.word + feature for feature in listed.features]
        best = base
        for word in words:
            found = self.catalogue.find_accelerator(word)
            shared = _shared(best, found) if found else None
            if shared and len(shared.candidates) < len(best.candidates):
                best = shared
        return best

    def _of_features(self, listed: NodeProfile) -> Resolution[Accelerator] | None:
        found = [self.catalogue.find_accelerator(word) for word in _feature_words(listed)]
        known = [one for one in found if one is not None]
        return min(known, key=lambda one: len(one.candidates)) if known else None

    def _looked_up(self, found: Resolution[Accelerator], rule: str) -> Figures:
        """Return the catalogue's figures; the bounds span the models a word cannot tell apart."""
        devices = [sliced(one, found.mig) if found.mig else one for one in found.candidates]
        max_w = span([stated(device.max_w) for device in devices])
        if found.is_ambiguous:
            rule = (
                f"{rule}; {found.word} fits {len(devices)} models of {max_w[0]:g} to "
                f"{max_w[2]:g} W, the commonest is taken"
            )
        idle_w = span([self._idle_w(device) for device in devices])
        return Figures(
            devices[0].name,
            max_w,
            idle_w,
            is_known=True,
            rule=rule,
            is_ambiguous=found.is_ambiguous,
        )

    def _idle_w(self, device: Accelerator) -> Triple:
        """Return a device's idle draw; one assumed by class has the spread of the default."""
        low, central, high = self.defaults.gpu_idle_ratio
        if math.isnan(device.idle_w):
            return (low * device.max_w, central * device.max_w, high * device.max_w)
        spread = (1 - MEASURED_IDLE_SPREAD_RATIO, 1.0, 1 + MEASURED_IDLE_SPREAD_RATIO)
        if device.idle_basis == "assumed" and central > 0:
            spread = (low / central, 1.0, high / central)
        return each(min(device.idle_w * factor, device.max_w) for factor in spread)

    def _default(self, model: str, said: str) -> Figures:
        max_w, idle_w = self.defaults.unknown_gpu_max_w, self.defaults.unknown_gpu_idle_w
        return Figures(model, max_w, idle_w, is_known=False, rule=f"default: {said}")


def _shared(
    one: Resolution[Accelerator], other: Resolution[Accelerator]
) -> Resolution[Accelerator] | None:
    """Keep what both words can mean; None where they mean different models."""
    names = {device.name for device in other.candidates}
    both = tuple(device for device in one.candidates if device.name in names)
    return Resolution(one.word, both, one.mig or other.mig) if both else None


def _share(found: Resolution[Accelerator]) -> float:
    """Return the slice's share of the device, 1 for a whole one."""
    return slice_share(found.candidates[0], found.mig) if found.mig else 1.0


def _feature_words(listed: NodeProfile) -> list[str]:
    """Return a node's features one by one and in pairs: `a100` beside `80gb` is `a10080gb`."""
    pairs = permutations(listed.features, 2)
    return [*listed.features, *(first + second for first, second in pairs)]
