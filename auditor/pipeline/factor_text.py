"""Read back the factors that an estimate was made with."""

import json
from typing import Any

from auditor.energy.model import EnergyModel


def energy_model(factor_text: str) -> EnergyModel:
    """Return the model that a factor set was made with."""
    stated: dict[str, Any] = json.loads(factor_text)["energy_model"]
    pue_of = {name: tuple(triple) for name, triple in stated.pop("pue_of").items()}
    constants: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()
    }
    return EnergyModel(pue_of=pue_of, **constants)


def settings_digest_of(factor_text: str) -> str | None:
    """Return the name of the configuration that a factor set was made from."""
    stated: str | None = json.loads(factor_text).get("settings")
    return stated


def grid_notes_of(factor_text: str) -> list[dict[str, str]]:
    """Return what must be said of the grid sources of a factor set: zone, code, text, hint."""
    stated: list[dict[str, str]] = json.loads(factor_text).get("grid_notes", [])
    return stated
