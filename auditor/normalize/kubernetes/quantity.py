"""Amounts as Kubernetes writes them: 100m, 1.5, 2Gi, 5M, 1e3."""

import re
from functools import lru_cache

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(\d+\.?\d*|\.\d+))((?P<suffix>[KMGTPE]i|[numkMGTPE]|)|[eE](?P<power>[+-]?\d+))",
    re.ASCII,
)
_FACTOR = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "E": 1e18, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
    "Ei": 2.0**60,
}  # fmt: skip
_DIVISOR = {"n": 1e9, "u": 1e6, "m": 1e3}
_LARGEST_POWER = 30
_LONGEST = 64


def parse_quantity(value: object) -> float:
    """Read an amount, in its unit (cores, bytes, pieces).

    Raises
    ------
    ValueError
        It is no amount, or a negative one.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(value)
    if not isinstance(value, str):
        msg = f"{str(value)[:_LONGEST]!r} is no amount"
        raise ValueError(msg)  # noqa: TRY004  (what stands in a file is a value, not a type)
    return _parsed(value.strip()[: _LONGEST + 1])


@lru_cache(maxsize=2**14)
def _parsed(text: str) -> float:
    found = _QUANTITY.fullmatch(text)
    if found is None or len(text) > _LONGEST:
        msg = f"{text!r} is no amount"
        raise ValueError(msg)
    number, power = float(found["number"]), int(found["power"] or 0)
    if number < 0 or abs(power) > _LARGEST_POWER:
        msg = f"{text!r} is no amount that a pod can ask for"
        raise ValueError(msg)
    if found["power"]:
        return float(f"{found['number']}e{power}")
    # A division rounds once: 100m is 0.1, and not a hair beside it.
    suffix = found["suffix"]
    return number / _DIVISOR[suffix] if suffix in _DIVISOR else number * _FACTOR[suffix]
