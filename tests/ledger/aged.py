"""A ledger as an earlier release left it: files and log without the columns that came later."""

import json
import sqlite3
import zlib
from pathlib import Path

import pyarrow.parquet as pq

LATER = {"scheduler", "gpu_energy_j", "gpu_metered_ratio", "gpu_observed_ratio", "gpu_measured_wh"}


def age(folder: Path) -> None:
    """Take the later columns out of the data files, the log and the desk's checksums."""
    book = folder / "book"
    sizes = {
        path.relative_to(book).as_posix(): _age_file(path) for path in book.glob("*/*/*.parq*")
    }
    for entry in (book / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in entry.read_text().splitlines()]
        entry.write_text("".join(f"{json.dumps(_aged(line, sizes))}\n" for line in lines))
    with sqlite3.connect(folder / "desk.sqlite") as desk:
        for path, n_bytes in sizes.items():
            crc32 = zlib.crc32((book / path).read_bytes())
            desk.execute(
                "UPDATE data_files SET n_bytes = ?, crc32 = ? WHERE path = ?",
                (n_bytes, crc32, path),
            )
    desk.close()


def _age_file(path: Path) -> int:
    table = pq.ParquetFile(path).read()
    pq.write_table(table.drop_columns(sorted(LATER)), path, store_schema=False)
    return path.stat().st_size


def _aged(line: dict, sizes: dict[str, int]) -> dict:
    if "metaData" in line:
        schema = json.loads(line["metaData"]["schemaString"])
        schema["fields"] = [field for field in schema["fields"] if field["name"] not in LATER]
        line["metaData"]["schemaString"] = json.dumps(schema)
        line["metaData"]["configuration"].pop("delta.dataSkippingStatsColumns")
    if "add" in line:
        line["add"]["size"] = sizes[line["add"]["path"]]
    return line
