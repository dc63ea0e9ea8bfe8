"""What the log says of a duty: nothing where nothing happened."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.pipeline.collect_parts import CollectReceipt
    from auditor.pipeline.sending import SendReceipt
    from auditor.pipeline.weeks import PublishedWeek


def collect_lines(receipt: "CollectReceipt") -> list[str]:
    """Say what came in from a cluster, and what keeps its accounting from being whole."""
    upto = receipt.collected_to_utc
    reach = "nothing yet" if upto is None else f"up to {upto:%Y-%m-%d %H:%M} UTC"
    counts = f"{receipt.n_new:,} new, {receipt.n_superseded:,} updated"
    if receipt.n_rejects:
        counts += f", {receipt.n_rejects:,} rows refused"
    if receipt.n_windows < receipt.n_windows_due:
        counts += f"; {receipt.n_windows:,} of {receipt.n_windows_due:,} windows"
    if receipt.n_resolved:
        counts += "; earlier gaps are closed"
    failed = None if receipt.failure is None else receipt.failure.code
    lines = [] if receipt.failure is not None else [f"{receipt.cluster}: {reach}; {counts}"]
    return lines + [
        f"{receipt.cluster}: {incident.code}: {incident.text}"
        for incident in receipt.incidents
        if incident.code != failed
    ]


def publish_lines(weeks: "Iterable[PublishedWeek]") -> list[str]:
    """Say which weeks and months were published, and which are held back."""
    return ["; ".join((_publish_words(week), *week.reasons)) for week in weeks]


def _publish_words(week: "PublishedWeek") -> str:
    if week.is_held:
        return f"{week.label} is held back and tried again"
    mails = f"{week.n_mails:,} mails queued"
    if not week.n_pages:
        return f"{week.label} {week.state.value}: {mails}"
    what = f"{week.label} {week.state.value}, revision {week.revision}"
    return f"{what}: {week.n_pages:,} pages in {week.folder}, {mails}"


def send_lines(receipt: "SendReceipt") -> list[str]:
    """Say what became of the mails."""
    counts = (
        (receipt.n_sent, "sent"),
        (receipt.n_later, "to be tried again"),
        (receipt.n_parked, "parked (`auditor send` shows them)"),
    )
    told = [f"{n:,} {word}" for n, word in counts if n]
    return [", ".join(told) + f"; {receipt.n_waiting:,} wait"] if told else []
