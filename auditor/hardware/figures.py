"""Powers of one accelerator or one core, with their bounds and who said so."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

Triple = tuple[float, float, float]

NO_POWER: Triple = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Figures:
    """Powers of one accelerator or one core, (low, central, high) [W].

    `model` is the catalogue's name, or the site's word; `rule` says in words who gave them.
    `is_ambiguous` tells that the word for it fits several models and the commonest was taken.
    """

    model: str
    max_w: Triple
    idle_w: Triple
    is_known: bool
    rule: str
    is_ambiguous: bool = False

    def with_idle(self, idle_w: float) -> "Figures":
        """Return the same with a stated idle draw, at most the maximum [W]."""
        return replace(self, idle_w=each(min(idle_w, bound) for bound in self.max_w))


def mean(weighted: Sequence[tuple[Figures, float]]) -> Figures:
    """Return the weighted mean of figures; their models and rules are named together, sorted."""
    first = weighted[0][0]
    if all(figures == first for figures, _ in weighted):
        return first
    total = sum(weight for _, weight in weighted)
    return Figures(
        " + ".join(sorted({figures.model for figures, _ in weighted} - {""})),
        each(sum(one.max_w[n] * weight for one, weight in weighted) / total for n in range(3)),
        each(sum(one.idle_w[n] * weight for one, weight in weighted) / total for n in range(3)),
        is_known=all(figures.is_known for figures, _ in weighted),
        rule=" + ".join(sorted({figures.rule for figures, _ in weighted})),
        is_ambiguous=any(figures.is_ambiguous for figures, _ in weighted),
    )


def stated(watts: float) -> Triple:
    """Return a figure that somebody states: it has no bounds of its own."""
    return (watts, watts, watts)


def each(values: Iterable[float]) -> Triple:
    """Return three values as a triple."""
    low, central, high = values
    return (low, central, high)


def span(values: Sequence[Triple]) -> Triple:
    """Return the least low, the first central and the greatest high value."""
    return (min(low for low, _, _ in values), values[0][1], max(high for _, _, high in values))
