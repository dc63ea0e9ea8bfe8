"""`auditor send`: deliver what is queued."""

import json
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditor.cli.progress import step_bar
from auditor.cli.state import now_utc, state_of
from auditor.errors import AuditorError, UsageError
from auditor.report.clean import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.domain.mail import QueuedMail
    from auditor.pipeline.sending import SendReceipt

_N_SHOWN = 10


class MailTroubleError(AuditorError):
    """The mail server took nothing more, or mail is off while some is queued."""

    exit_code = 75
    hint = "What was not sent stays queued; `auditor doctor` looks closer."


def send(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what is not sent yet, and to whom.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry-parked", help="Try refused mails again, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send the mails that are due; exit with 75 if the mail server does not take them."""
    from auditor.wiring.sending import retry_parked, send_due, unsent_mails  # noqa: PLC0415

    if dry_run and retry:
        msg = "--dry-run changes nothing, --retry-parked does: use one of them"
        raise UsageError(msg)
    # A mail server that hangs up is trouble to be told, not the end of us.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    settings = state_of(context).load().settings
    n_retried = retry_parked(settings, now_utc()) if retry else 0
    if retry and not as_json:
        typer.echo(f"{_mails(n_retried)} queued again")
    before = send_due(settings, now_utc=now_utc, dry_run=True)
    if dry_run:
        receipt = before
    else:
        with step_bar("mails", before.n_waiting) as advance:
            receipt = send_due(settings, now_utc=now_utc, progress=advance)
    unsent = unsent_mails(settings)
    if as_json:
        document = {**asdict(receipt), "n_retried": n_retried, "mails": [_row(m) for m in unsent]}
        typer.echo(json.dumps(document, indent=2))
    elif dry_run:
        _list(unsent)
    else:
        _tell(receipt, unsent)
    if receipt.trouble is not None and not dry_run:
        raise MailTroubleError(printable(receipt.trouble))


def _row(queued: "QueuedMail") -> dict[str, Any]:
    mail, first_utc = queued.mail, queued.first_attempt_utc
    return {
        "message_id": mail.message_id,
        "recipient": mail.recipient,
        "kind": mail.kind,
        "name": mail.name,
        "period": mail.period,
        "revision": mail.revision,
        "state": queued.state.value,
        "n_attempts": queued.n_attempts,
        "first_attempt": None if first_utc is None else f"{first_utc:%Y-%m-%dT%H:%M:%SZ}",
        "next_attempt": f"{queued.next_attempt_utc:%Y-%m-%dT%H:%M:%SZ}",
        "last_reply": queued.last_reply,
    }


def _list(unsent: "Sequence[QueuedMail]") -> None:
    if not unsent:
        typer.echo("no mail is waiting")
    for queued in unsent:
        typer.echo(_line(queued))


def _line(queued: "QueuedMail") -> str:
    mail = queued.mail
    what = f"{mail.period} {mail.kind} {mail.name}".strip()
    when = f"next {queued.next_attempt_utc:%Y-%m-%d %H:%MZ}" if queued.state == "queued" else ""
    tried = f"tried {queued.n_attempts}x: {queued.last_reply}" if queued.last_reply else ""
    words = (f"{queued.state.value:<7}  {mail.recipient}  {what}", when, tried)
    return printable("  ".join(word for word in words if word))


def _tell(receipt: "SendReceipt", unsent: "Sequence[QueuedMail]") -> None:
    parked = [queued for queued in unsent if queued.state == "parked"]
    typer.echo(
        f"{_mails(receipt.n_sent)} sent, {receipt.n_later:,} to be tried again, "
        f"{receipt.n_parked:,} refused for good; {receipt.n_waiting:,} waiting"
    )
    if receipt.n_parked and not receipt.n_sent + receipt.n_later:
        typer.echo("auditor: every mail of this round was refused, none was sent", err=True)
    if not parked:
        return
    typer.echo(f"{_mails(len(parked))} refused, until `auditor send --retry-parked`:", err=True)
    for queued in parked[:_N_SHOWN]:
        typer.echo(f"  {_line(queued)}", err=True)
    if len(parked) > _N_SHOWN:
        typer.echo(f"  and {len(parked) - _N_SHOWN:,} more: `auditor send --dry-run`", err=True)


def _mails(number: int) -> str:
    return f"{number:,} mail{'' if number == 1 else 's'}"
