"""The shipped catalogue of accelerators and processors, and what a word in it means."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Generic, TypeVar

from auditor.domain.hardware import Accelerator, Cpu
from auditor.errors import CatalogueError
from auditor.hardware.mig import MigProfile, fitting_parents, sliced, split_mig
from auditor.hardware.tables import (
    ALIASES_FILE,
    Alias,
    read_accelerators,
    read_aliases,
    read_cpus,
)
from auditor.hardware.words import cpu_key_of, key_of, without_makers
from auditor.resources import resource

_N_CLOSEST = 3
# A slice that names no parent is one of the devices that this alias lists.
_ANY_SLICED = "mig"

Row = TypeVar("Row", Accelerator, Cpu)


@dataclass(frozen=True)
class Resolution(Generic[Row]):
    """What a word means: one row, or several it cannot tell apart, the commonest first.

    `candidates` are whole devices; `mig` is the profile when the word named a slice of one.
    """

    word: str
    candidates: tuple[Row, ...]
    mig: MigProfile | None = None

    @property
    def is_ambiguous(self) -> bool:
        """Tell whether the word fits more than one row."""
        return len(self.candidates) > 1


@dataclass(frozen=True)
class Catalogue:
    """All rows, and the words that lead to them."""

    accelerators: tuple[Accelerator, ...]
    cpus: tuple[Cpu, ...]
    aliases: tuple[Alias, ...]
    accelerator_of_key: Mapping[str, tuple[Accelerator, ...]] = field(repr=False)
    cpu_of_key: Mapping[str, tuple[Cpu, ...]] = field(repr=False)

    @classmethod
    def load(cls, data_folder: Traversable | None = None) -> "Catalogue":
        """Read the three tables, from the shipped folder unless another is given.

        Raises
        ------
        CatalogueError
            A table is missing, a figure is no number, a name stands twice or an alias leads
            nowhere.
        """
        folder = resource("data", "hardware") if data_folder is None else data_folder
        accelerators, cpus = read_accelerators(folder), read_cpus(folder)
        aliases = read_aliases(folder)
        _check_names(accelerators, cpus, aliases)
        return cls(
            accelerators,
            cpus,
            aliases,
            _index(accelerators, aliases, key_of),
            _index(cpus, aliases, cpu_key_of),
        )

    def find_accelerator(self, word: str) -> Resolution[Accelerator] | None:
        """Return what a gres type, product label or name means; None if nobody knows it."""
        if candidates := _find(self.accelerator_of_key, key_of(word)):
            return Resolution(word, candidates)
        split = split_mig(word)
        if split is None:
            return None
        parent, mig = split
        parents = _find(self.accelerator_of_key, key_of(parent) or _ANY_SLICED)
        fitting = fitting_parents(parents, mig)
        return Resolution(word, fitting, mig) if fitting else None

    def find_cpu(self, word: str) -> Resolution[Cpu] | None:
        """Return what a processor's name or a node feature means; None if nobody knows it."""
        candidates = _find(self.cpu_of_key, cpu_key_of(word))
        return Resolution(word, candidates) if candidates else None

    def accelerator(self, name_or_alias: str) -> Accelerator:
        """Return the row of a name or alias, the commonest where a word fits several.

        A MIG slice comes back as a device of its own, with its share of the parent's powers.

        Raises
        ------
        CatalogueError
            No such accelerator; the hint names the closest ones.
        """
        found = self.find_accelerator(name_or_alias)
        if found is None:
            msg = f"no accelerator is called {name_or_alias!r}"
            raise _unknown(msg, key_of(name_or_alias), self.accelerator_of_key)
        first = found.candidates[0]
        return first if found.mig is None else sliced(first, found.mig)

    def cpu(self, name_or_alias: str) -> Cpu:
        """Return the row of a processor's name or alias, the commonest where it fits several.

        Raises
        ------
        CatalogueError
            No such processor; the hint names the closest ones.
        """
        found = self.find_cpu(name_or_alias)
        if found is None:
            msg = f"no processor is called {name_or_alias!r}"
            raise _unknown(msg, cpu_key_of(name_or_alias), self.cpu_of_key)
        return found.candidates[0]

    def calculator_device(self, name: str) -> Accelerator | Cpu:
        """Return the row that stands for a device of the ML Emissions Calculator.

        `name` is its name there, which is not always a good name here: the calculator's
        `Intel Xeon E5-2650` is an E5-2650 v4.

        Raises
        ------
        CatalogueError
            The calculator has no such device; the hint names all it has.
        """
        rows: list[Accelerator | Cpu] = [*self.accelerators, *self.cpus]
        theirs = {row.calculator_name: row for row in rows if row.calculator_name}
        if name not in theirs:
            msg = f"the ML Emissions Calculator has no device {name!r}"
            raise CatalogueError(msg, hint=f"It has {', '.join(sorted(theirs))}.")
        return theirs[name]


def _check_names(
    accelerators: Sequence[Accelerator], cpus: Sequence[Cpu], aliases: Sequence[Alias]
) -> None:
    names = [*(row.name for row in accelerators), *(row.name for row in cpus)]
    known = set(names)
    if len(known) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        msg = f"the catalogue has two rows for {', '.join(twice)}"
        raise CatalogueError(msg)
    for alias in aliases:
        lost = [name for name in alias.names if name not in known]
        if lost or not alias.names:
            msg = f"{ALIASES_FILE}: {alias.word!r} leads nowhere: {', '.join(lost) or 'no names'}"
            raise CatalogueError(msg)


def _index(
    rows: Sequence[Row], aliases: Sequence[Alias], spell: Callable[[str], str]
) -> dict[str, tuple[Row, ...]]:
    """Lead every spelling to its rows: names, then aliases, short names, the calculator's names.

    A short name (without the makers' words) counts only where it fits a single row.
    """
    by_name = {row.name: row for row in rows}
    index: dict[str, tuple[Row, ...]] = {spell(row.name): (row,) for row in rows}
    for alias in aliases:
        if targets := tuple(by_name[name] for name in alias.names if name in by_name):
            index.setdefault(spell(alias.word), targets)
    short: dict[str, list[Row]] = {}
    for row in rows:
        for key in without_makers(spell(row.name))[1:]:
            short.setdefault(key, []).append(row)
    for key, meant in short.items():
        if len(meant) == 1:
            index.setdefault(key, (meant[0],))
    for row in rows:
        if row.calculator_name:
            index.setdefault(spell(row.calculator_name), (row,))
    return index


def _find(rows_of_key: Mapping[str, tuple[Row, ...]], key: str) -> tuple[Row, ...]:
    for shortened in without_makers(key):
        if found := rows_of_key.get(shortened):
            return found
    return ()


def _unknown(message: str, key: str, rows_of_key: Mapping[str, tuple[Row, ...]]) -> CatalogueError:
    """Say what is not there, and the closest that are."""
    keys = difflib.get_close_matches(key, rows_of_key, n=4 * _N_CLOSEST, cutoff=0.0)
    closest = dict.fromkeys(rows_of_key[one][0].name for one in keys)
    names = ", ".join(list(closest)[:_N_CLOSEST])
    hint = f"The closest are {names}. `auditor factors hardware` lists all."
    return CatalogueError(message, hint=hint)
