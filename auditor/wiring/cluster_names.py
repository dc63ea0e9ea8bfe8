"""Clusters that the configuration does not name: a slip of the pen would count runs twice."""

from difflib import get_close_matches

from auditor.errors import UsageError
from auditor.settings.models import Settings

_N_SHOWN = 5
_WORDS = {"slurm": "Slurm", "kubernetes": "Kubernetes"}
# A table or OpenCost is of a cluster without a dialect of its own, or of Kubernetes.
_KINDS = {"other": {"other", "kubernetes"}}


def refuse_unknown(settings: Settings, name: str | None) -> None:
    """Refuse to load runs under a cluster name that was typed and is not in the configuration.

    A ledger keeps what it was told: under a misspelt name the runs of a cluster would stand in it
    twice. Without any [[clusters]] every name will do.

    Raises
    ------
    UsageError
        There are other clusters in the configuration, and not this one.
    """
    names = [cluster.name for cluster in settings.clusters]
    if name is None or not names or name in names:
        return
    known = ", ".join(names[:_N_SHOWN]) + (", ..." if len(names) > _N_SHOWN else "")
    msg = f"the configuration has no cluster {name!r}; it has {known}"
    hint = (
        f"{_meant(settings, name)}A cluster that is new needs its entry first: [[clusters]] with"
        f' name = "{name}", its scheduler, zone and pue.'
    )
    raise UsageError(msg, hint=hint)


def unknown_text(settings: Settings, name: str, scheduler: str, n_runs: int) -> str | None:
    """Say what it means that runs are of a cluster that the configuration does not name.

    Parameters
    ----------
    scheduler
        `slurm`, `kubernetes` or `other`, as of the runs.

    Returns
    -------
    None where the configuration names it, or names no cluster at all.
    """
    if not settings.clusters or name in {cluster.name for cluster in settings.clusters}:
        return None
    defaults = settings.defaults
    runs = f"{n_runs:,} runs are" if n_runs != 1 else "1 run is"
    meant = _meant(settings, name) or _only_one(settings, scheduler)
    return (
        f"{runs} of {name!r}, which the configuration does not name: no zone and no PUE of its own,"
        f" so the grid of {defaults.zone} and a PUE of {defaults.pue:g} were taken. {meant}"
        "--cluster NAME says whose an export is, [[clusters]] what a cluster is."
    )


def _meant(settings: Settings, name: str) -> str:
    of_folded = {cluster.name.casefold(): cluster.name for cluster in settings.clusters}
    close = get_close_matches(name.casefold(), of_folded, n=1)
    return f"Did you mean {of_folded[close[0]]!r}? " if close else ""


def _only_one(settings: Settings, scheduler: str) -> str:
    kinds = _KINDS.get(scheduler, {scheduler})
    found = [cluster for cluster in settings.clusters if cluster.scheduler in kinds]
    if len(found) != 1:
        return ""
    word = f"{_WORDS[found[0].scheduler]} " if found[0].scheduler in _WORDS else ""
    return f"The only {word}cluster of the configuration is {found[0].name!r}: are they its runs? "
