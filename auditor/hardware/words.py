"""Words for hardware, brought to one spelling: gres types, node features, product labels."""

import re

_SEPARATORS = re.compile(r"[-_\s]+|\((?:r|tm|c)\)")
_SHARED = re.compile(r"-shared$")
_CPU_TAIL = re.compile(r"@.*$|\b\d+-core\b|\bprocessor\b|\bcpu\b")
_MAKER_WORDS = (
    "nvidia",
    "tesla",
    "geforce",
    "jetson",
    "amd",
    "radeon",
    "instinct",
    "intel",
    "habana",
    "google",
    "xeon",
)


def key_of(word: str) -> str:
    """Bring a word to one spelling: lower case, without separators and trade marks."""
    return _SEPARATORS.sub("", _SHARED.sub("", word.strip().casefold()))


def cpu_key_of(word: str) -> str:
    """Do the same for a processor, also as /proc/cpuinfo spells it (clock and core count cut)."""
    return key_of(_CPU_TAIL.sub(" ", word.strip().casefold()))


def without_makers(key: str) -> tuple[str, ...]:
    """Return the key and what is left as leading makers' words fall off it, the longest first.

    A rest of digits alone says too little and is left out: `Xeon Gold 6148` is never `6148`.
    """
    keys = [key]
    shortened = True
    while shortened:
        shortened = False
        for maker in _MAKER_WORDS:
            if keys[-1].startswith(maker) and len(keys[-1]) > len(maker):
                keys.append(keys[-1][len(maker) :])
                shortened = True
                break
    return (key, *(one for one in keys[1:] if not one.isdigit()))
