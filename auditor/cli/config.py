"""`auditor config`: check, example, show."""

import typer

from auditor.cli.state import state_of
from auditor.errors import ConfigError
from auditor.settings.load import InvalidSettingsError, find_file, problems_text

app = typer.Typer(
    help="Check, explain or show the configuration.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def check(context: typer.Context) -> None:
    """Read the configuration and everything it names; report every problem at once."""
    from auditor.wiring.check import file_problems, findings, problems  # noqa: PLC0415

    state = state_of(context)
    lines: list[str] = []
    try:
        settings = state.load().settings
    except InvalidSettingsError as error:
        settings, lines = error.rest, error.lines
    path = find_file(state.config_file)
    lines = lines + problems(settings) + file_problems(settings, path)
    name = str(path or "the default configuration")
    if lines:
        hint = "`auditor config example` describes every key."
        raise ConfigError(problems_text(name, lines), hint=hint)
    for finding in findings(settings):
        typer.echo(finding)
    typer.echo(f"{name}: no problem found")


@app.command()
def example() -> None:
    """Print a configuration with every key, its meaning and its default."""
    from auditor.settings.example import example_text  # noqa: PLC0415  (start-up time)

    typer.echo(example_text(), nl=False)


@app.command()
def show(context: typer.Context) -> None:
    """Print what holds, defaults included, as JSON."""
    loaded = state_of(context).load()
    typer.echo(loaded.settings.model_dump_json(indent=2))
