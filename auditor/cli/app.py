"""The command: global options, the verbs, and how expected failures end."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

import auditor
from auditor.cli import (
    check,
    collect,
    config,
    daemon,
    demo,
    doctor,
    estimate,
    explain,
    factors,
    ingest,
    publish,
    recompute,
    report,
    send,
    subscribe,
)
from auditor.cli.state import State
from auditor.errors import AuditorError

app = typer.Typer(
    name="auditor",
    help="What did the cluster's jobs emit, whose were they, and what do we do about it?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

app.command("demo")(demo.demo)
app.command("ingest")(ingest.ingest)
app.command("collect")(collect.collect)
app.command("report")(report.report)
app.command("publish")(publish.publish)
app.command("send")(send.send)
app.command("subscribe")(subscribe.subscribe)
app.command("unsubscribe")(subscribe.unsubscribe)
app.command("daemon")(daemon.daemon)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.command("estimate")(estimate.estimate)
app.command("factors")(factors.factors)
app.command("check")(check.check)
app.command("recompute")(recompute.recompute)
app.add_typer(config.app, name="config")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"auditor {auditor.__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Configuration; else $AUDITOR_CONFIG, /etc/auditor/auditor.toml, ./auditor.toml.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    context.obj = State(config_file)


def _global_options_first(arguments: list[str]) -> list[str]:
    """Let `--config FILE` stand after the verb too, and `--from` take several files."""
    moved: list[str] = []
    rest: list[str] = []
    takes_files = False
    words = iter(arguments)
    for word in words:
        if takes_files and (word == "-" or not word.startswith("-")):
            rest += [word] if rest[-1] == "--from" else ["--from", word]
            continue
        takes_files = word == "--from"
        if word == "--":
            rest += [word, *words]
        elif word == "--config":
            moved += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith("--config="):
            moved.append(word)
        else:
            rest.append(word)
    return moved + rest


def main() -> None:
    """Run the command; expected errors become a message, a hint and an exit code."""
    # A reader that goes away (`auditor factors | head`) ends us silently, as it ends other tools.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        app(args=_global_options_first(sys.argv[1:]))
    except AuditorError as error:
        typer.secho(f"auditor: {error}", err=True, fg="red")
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
        sys.exit(error.exit_code)
