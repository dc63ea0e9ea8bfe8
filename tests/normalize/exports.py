"""Small exports for the tests of the readers, and what reads them."""

import io

import pandas as pd

from auditor.domain.reject import Reject
from auditor.normalize.dialect import find_dialect
from auditor.normalize.interface import ExportContext, RawPiece
from auditor.normalize.layout import TextLayout
from auditor.normalize.runs import empty_frame
from auditor.normalize.sacct_fields import USED_FIELDS
from auditor.normalize.text_reader import read_text

SAFE = "\x1f5f1e9c0d7a3b2846\x1f"


def context(**stated: object) -> ExportContext:
    known = {
        "source": "export.txt",
        "cluster": None,
        "default_cluster": "alpha",
        "timezone_of": {},
        "default_timezone": "UTC",
    }
    return ExportContext(**{**known, **stated})


def table(*rows: str, delimiter: str = "|", end: str = "\n") -> bytes:
    """Write rows given with '|' between their cells with another delimiter and line end."""
    return "".join(row.replace("|", delimiter) + end for row in rows).encode()


def pieces_of(
    text: bytes, *, head_bytes: int = 1 << 20, chunk_bytes: int = 1 << 20, **stated: object
) -> list[RawPiece]:
    """Read a table; the dialect is found from all of it, the rest in small steps if asked."""
    layout = find_dialect(text, context(**stated))
    assert isinstance(layout, TextLayout)
    stream = io.BytesIO(text)
    head = stream.read(head_bytes)
    return list(read_text(head, stream, layout, context(**stated), chunk_bytes))


def joined(pieces: list[RawPiece]) -> tuple[pd.DataFrame, list[Reject]]:
    """Return all rows and all rejects of pieces, in the order of their lines."""
    frames = [piece.frame for piece in pieces if len(piece.frame)]
    nothing = empty_frame(tuple(USED_FIELDS))
    frame = pd.concat(frames, ignore_index=True) if frames else nothing
    rejects = [reject for piece in pieces for reject in piece.rejects]
    return frame, sorted(rejects, key=lambda reject: reject.line)


def read(text: bytes, **how: object) -> tuple[pd.DataFrame, list[Reject]]:
    return joined(pieces_of(text, **how))
