"""`auditor config`: check, example, show."""

import typer

from auditor.cli.state import state_of
from auditor.errors import ConfigError

app = typer.Typer(
    help="Check, explain or show the configuration.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def check(context: typer.Context) -> None:
    """Read the configuration and everything it names; report every problem at once."""
    from auditor.wiring.parts import problems as problems_of  # noqa: PLC0415  (start-up time)

    loaded = state_of(context).load()
    problems = problems_of(loaded.settings)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        msg = f"{loaded.path or 'the default configuration'} has {count}:\n{lines}"
        raise ConfigError(msg, hint="`auditor config example` describes every key.")
    typer.echo(f"{loaded.path or 'no file: the defaults'}: no problem found")


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
