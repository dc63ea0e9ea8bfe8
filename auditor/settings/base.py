"""What every table of the configuration is made of."""

import re
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo


class Section(BaseModel):
    """One table of the file: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"no time zone is called {name!r}; write it as in Europe/Berlin or UTC"
        raise ValueError(msg) from error
    return name


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    # It is not said again: an address may hold a password, and messages land in journals.
    if re.match("https?:/", str(path)):
        msg = "it is the path of a file, and this is an address"
        raise ValueError(msg)
    base = (info.context or {}).get("base_folder", Path())
    return path if path.is_absolute() else base / path


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
ConfigPath = Annotated[Path, AfterValidator(_beside_the_file)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Pue = Annotated[float, Field(ge=1, le=5, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
