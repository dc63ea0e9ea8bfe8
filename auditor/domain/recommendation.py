"""One piece of advice, with what it would have saved."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recommendation:
    """What one person or project could do, in one sentence, one command and one saving.

    Savings are over the report's period, in grams CO2e; `evidence` holds the plain values (str,
    int, float) the saving was computed from.
    """

    rule: str
    text: str
    command: str
    saving_g: float
    saving_low_g: float
    saving_high_g: float
    saving_wh: float
    evidence: dict[str, str | int | float] = field(default_factory=dict)
