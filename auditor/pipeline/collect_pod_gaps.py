"""What a Prometheus has no samples of, as incidents that grow, shrink and end with what it says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from auditor.domain.incident import Incident
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_pod_incidents import (
    GAP,
    UNSEEN,
    pod_incident,
    source_named,
    when_text,
)
from auditor.pipeline.collect_pod_parts import TELLER, Gap, PodSource, Window

_HINT = "Its page of targets (/targets) and its log say why."


@dataclass(frozen=True)
class GapChanges:
    """Incidents to raise, after those of `over` (source, code) have been resolved."""

    found: tuple[Incident, ...] = ()
    over: tuple[tuple[str, str], ...] = ()

    def resolve(self, ledger: Ledger, now_utc: datetime) -> int:
        """Resolve those that are over; return how many."""
        return sum(ledger.sources.resolve(name, {code}, now_utc) for name, code in self.over)


@dataclass(frozen=True)
class _Span:
    start_utc: datetime
    end_utc: datetime
    gaps: tuple[Gap, ...] = field(default=())
    olds: tuple[Incident, ...] = field(default=())


def gap_changes(
    ledger: Ledger,
    source: PodSource,
    slot: Window,
    gaps: Iterable[Gap],
    now_utc: datetime,
) -> GapChanges:
    """Return what the answer for a slot makes of the incidents of spans without samples.

    Of what was said of the slot only that stays which is said again: samples may have come since.
    What goes on from a known span makes it grow. Each span has a source of its own, as one source
    has one unresolved incident of a code. Whoever has no API hears of pods from one exporter only:
    where that one is silent runs may be missing, elsewhere only what meters say.

    Parameters
    ----------
    gaps
        What has no samples in the slot; it may reach beyond.
    """
    known = ledger.sources.incidents(clusters=(source.cluster,), unresolved_only=True)
    found: list[Incident] = []
    over: list[tuple[str, str]] = []
    gaps = tuple(gaps)
    for code in (UNSEEN, GAP):
        olds = [one for one in known if one.code == code]
        left = chain.from_iterable(_left(one, slot) for one in olds)
        new = (
            _Span(gap.start_utc, gap.end_utc, gaps=(gap,))
            for gap in gaps
            if _code(source, gap) == code
        )
        spans = _joined([*left, *new])
        kept = {name for name in map(_kept, spans) if name}
        over += [(one.source, code) for one in olds if one.source not in kept]
        changed = [span for span in spans if span.gaps or not _kept(span)]
        found += [_incident(source, span, code, now_utc) for span in changed]
    return GapChanges(tuple(found), tuple(over))


def _code(source: PodSource, gap: Gap) -> str:
    return UNSEEN if source.look is None and gap.what == TELLER else GAP


def _left(old: Incident, slot: Window) -> list[_Span]:
    """Return what lies outside of the slot of a known span."""
    end_utc = old.end_utc or slot[1]
    if end_utc <= slot[0] or old.start_utc >= slot[1]:
        return [_Span(old.start_utc, end_utc, olds=(old,))]
    sides = ((old.start_utc, slot[0]), (slot[1], end_utc))
    return [_Span(*side, olds=(old,)) for side in sides if side[0] < side[1]]


def _joined(spans: Sequence[_Span]) -> list[_Span]:
    """Join spans that overlap or touch."""
    joined: list[_Span] = []
    for span in sorted(spans, key=lambda one: (one.start_utc, one.end_utc)):
        if joined and span.start_utc <= joined[-1].end_utc:
            last = joined.pop()
            olds = tuple(dict.fromkeys((*last.olds, *span.olds)))
            end_utc = max(last.end_utc, span.end_utc)
            joined.append(_Span(last.start_utc, end_utc, (*last.gaps, *span.gaps), olds))
        else:
            joined.append(span)
    return joined


def _kept(span: _Span) -> str:
    """Return the source of the known incident that a span goes on from; '' for none.

    An incident can grow; one that is to shrink ends, and another takes its place.
    """
    fits = (
        old.source
        for old in span.olds
        if span.start_utc <= old.start_utc and (old.end_utc or span.end_utc) <= span.end_utc
    )
    return next(fits, "")


def _incident(source: PodSource, span: _Span, code: str, now_utc: datetime) -> Incident:
    edges = (span.start_utc, span.end_utc)
    name = _kept(span) or source_named(source, span.start_utc)
    if span.gaps:
        found = pod_incident(source, code, (_text(span, code), _HINT), edges, now_utc)
        return replace(found, source=name)
    old = span.olds[0]
    text = old.text.replace(_from_to(old.start_utc, old.end_utc or span.end_utc), _from_to(*edges))
    return replace(old, source=name, text=text, start_utc=edges[0], end_utc=edges[1])


def _text(span: _Span, code: str) -> str:
    whats = dict.fromkeys(gap.what for gap in sorted(span.gaps, key=_place))
    is_bridged = [gap.is_bridged for gap in span.gaps]
    meaning = "what the meters would have said of that time is modelled"
    if code == UNSEEN:
        meaning = "of what ran then only those pods are known that were seen before it or after it"
    elif all(is_bridged):
        meaning = "their counters ran on: the energy is known, and only its course within is not"
    elif any(is_bridged):
        meaning = "what counters that ran on do not tell of that time is modelled"
    when = _from_to(span.start_utc, span.end_utc)
    return f"Prometheus has no samples of {', '.join(whats)} {when}: {meaning}."


def _place(gap: Gap) -> tuple[datetime, datetime, str]:
    return gap.start_utc, gap.end_utc, gap.what


def _from_to(start_utc: datetime, end_utc: datetime) -> str:
    return f"from {when_text(start_utc)} to {when_text(end_utc)}"
