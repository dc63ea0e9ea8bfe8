"""Read the configuration file: all problems at once, each with its path."""

import os
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from auditor.errors import ConfigError
from auditor.settings.models import Settings

SYSTEM_FILE = Path("/etc/auditor/auditor.toml")
LOCAL_FILE = Path("auditor.toml")


class InvalidSettingsError(ConfigError):
    """The text does not validate. `lines` has every problem, `rest` what is sound of it."""

    def __init__(self, name: str, lines: list[str], rest: Settings) -> None:
        super().__init__(problems_text(name, lines), hint="`auditor config example` has every key.")
        self.lines = lines
        self.rest = rest


class UnreadableSystemFileError(ConfigError):
    """The site's own file is there, or may be, and this user may not read it."""

    hint = "Name a file of yours with --config, or ask who runs the auditor here."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} cannot be read by this user")
        self.path = path


@dataclass(frozen=True)
class LoadedSettings:
    """The settings and the file they came from; None where no file was found."""

    settings: Settings
    path: Path | None


def find_file(stated: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file to read: stated, else $AUDITOR_CONFIG, /etc/auditor, ./auditor.toml.

    Raises
    ------
    ConfigError
        The stated file, or the one the environment names, does not exist or cannot be looked at.
    UnreadableSystemFileError
        A file in its usual place may not be read by this user.
    """
    named = stated or (Path(value) if (value := environment.get("AUDITOR_CONFIG")) else None)
    if named is not None:
        if not _is_there(named):
            msg = f"there is no configuration file {named}"
            raise ConfigError(msg, hint="`auditor config example` prints one to start from.")
        return named
    for usual in (SYSTEM_FILE, LOCAL_FILE):
        try:
            is_there = usual.is_file()
        except PermissionError as error:
            raise UnreadableSystemFileError(usual) from error
        if is_there:
            return usual
    return None


def _is_there(named: Path) -> bool:
    try:
        return named.is_file()
    except OSError as error:
        msg = f"the configuration file {named} cannot be read: {error.strerror}"
        raise ConfigError(msg, hint="May this user look into its folder?") from error


def problems_text(name: str, lines: list[str]) -> str:
    """Put problems under one heading."""
    count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
    return "\n".join((f"{name} has {count}:", *(f"  {line}" for line in lines)))


def _problem_lines(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        path = ""
        for part in problem["loc"]:
            if isinstance(part, int):
                path += f"[{part}]"
            elif part not in ("constant", "csv"):  # tags of the intensity union, not keys
                path += f".{part}" if path else str(part)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "no such key"
        lines.append(f"{path or 'file'}: {message}")
    return lines


def parse_settings(text: str, base_folder: Path, name: str = "configuration") -> Settings:
    """Return the settings that TOML text states; relative paths are relative to `base_folder`.

    Raises
    ------
    ConfigError
        The text is not TOML, or does not validate; every problem is in the message.
    """
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{name} is not valid TOML: {error}"
        raise ConfigError(msg, hint="`auditor config example` prints a valid file.") from error
    try:
        return Settings.model_validate(content, context={"base_folder": base_folder})
    except ValidationError as error:
        rest = _sound_part(content, error, base_folder)
        raise InvalidSettingsError(name, _problem_lines(error), rest) from error


def _sound_part(content: dict[str, Any], error: ValidationError, base_folder: Path) -> Settings:
    """Return the settings without the keys, or else the entries and tables, that have a problem.

    What is left of an entry is looked at further, so that its other problems are told as well.
    """
    less = deepcopy(content)
    for problem in error.errors():
        _take_out(less, problem["loc"])
    try:
        return Settings.model_validate(less, context={"base_folder": base_folder})
    except ValidationError as left:
        return _sound_tables(less, left, base_folder)


def _take_out(content: dict[str, Any], loc: tuple[int | str, ...]) -> None:
    """Take the key of a problem out of its table; what is missing or no key stays as it is."""
    place: Any = content
    for part in loc[:-1]:
        # Tags of unions are neither.
        is_entry = isinstance(place, list) and isinstance(part, int)
        is_key = isinstance(place, dict) and part in place
        if is_entry or is_key:
            place = place[part]
    if loc and isinstance(place, dict):
        place.pop(loc[-1], None)


def _sound_tables(content: dict[str, Any], error: ValidationError, base_folder: Path) -> Settings:
    """Return the settings without the entries, or else the tables, that have a problem."""
    broken = {problem["loc"][:2] for problem in error.errors()}
    sound: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, list):
            sound[key] = [one for place, one in enumerate(value) if (key, place) not in broken]
        elif key not in {loc[0] for loc in broken if loc}:
            sound[key] = value
    try:
        return Settings.model_validate(sound, context={"base_folder": base_folder})
    except ValidationError:
        return Settings()


def load_settings(
    stated: Path | None = None, environment: Mapping[str, str] = os.environ
) -> LoadedSettings:
    """Find and read the configuration; without a file, the defaults hold.

    Raises
    ------
    ConfigError
        The file is missing, unreadable or does not validate.
    UnreadableSystemFileError
        The same as in `find_file`.
    """
    path = find_file(stated, environment)
    if path is None:
        return LoadedSettings(Settings(), None)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        is_usual = stated is None and not environment.get("AUDITOR_CONFIG")
        if is_usual and isinstance(error, PermissionError):
            raise UnreadableSystemFileError(path) from error
        msg = f"the configuration file {path} cannot be read: {error}"
        raise ConfigError(msg, hint="Is it UTF-8 text, and may this user read it?") from error
    return LoadedSettings(parse_settings(text, path.absolute().parent, str(path)), path)
