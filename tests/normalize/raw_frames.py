"""Raw frames for tests, written as sacct prints them."""

import pandas as pd
import pyarrow as pa

from auditor.normalize.interface import ExportContext

ARROW_TEXT = pd.ArrowDtype(pa.string())


def raw_frame(text: str) -> pd.DataFrame:
    """Read `A|B` lines below a header; the line of a row is its place in the text."""
    header, *lines = [line.strip() for line in text.strip().splitlines()]
    names = header.split("|")
    rows = [line.split("|") for line in lines]
    assert all(len(row) == len(names) for row in rows), rows
    columns = {
        name: pd.array([row[place] for row in rows], dtype=ARROW_TEXT)
        for place, name in enumerate(names)
    }
    return pd.DataFrame({**columns, "line": range(2, len(rows) + 2)})


def text_array(*cells: str) -> pa.Array:
    """Return cells as one Arrow array."""
    return pa.array(cells, pa.string())


CONTEXT = ExportContext(
    source="export.txt",
    cluster=None,
    default_cluster="alpha",
    timezone_of={"beta": "America/New_York"},
    default_timezone="Europe/Berlin",
)
