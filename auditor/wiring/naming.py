"""Say where in the configuration a name leads nowhere."""

from collections.abc import Callable
from typing import TypeVar

from auditor.errors import AuditorError, ConfigError

Part = TypeVar("Part")


def named(where: str, look_up: Callable[..., Part], *arguments: object) -> Part:
    """Return what is looked up; a failure says which part of the configuration asked for it.

    Raises
    ------
    ConfigError
        The look-up failed.
    """
    try:
        return look_up(*arguments)
    except AuditorError as error:
        msg = f"{where}: {error}"
        raise ConfigError(msg, hint=error.hint) from error
