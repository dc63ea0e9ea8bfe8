import gzip
import hashlib
import lzma
import zlib

import pytest

from auditor.collect.export_file import open_export
from auditor.errors import ExportRefusedError, UsageError

TEXT = b"JobID|State\n1|COMPLETED\n"


@pytest.mark.parametrize(
    ("name", "pack"),
    [("jobs.txt", bytes), ("jobs.txt.gz", gzip.compress), ("jobs.txt.xz", lzma.compress)],
)
def test_an_export_is_unpacked_and_named_by_its_content(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(TEXT))
    with open_export(str(tmp_path / name)) as export:
        assert export.stream.read(5) + export.stream.read() == TEXT
        digest = hashlib.sha256(TEXT).hexdigest()[:32]
        assert export.digest() == f"{digest}-{zlib.crc32(TEXT):08x}-{len(TEXT)}"
        assert export.name == name
        assert export.size_bytes == (len(TEXT) if name == "jobs.txt" else None)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(UsageError, match="cannot be opened"), open_export(str(path)):
            pass


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("jobs.gz", gzip.compress(TEXT * 100)[:-20], id="cut gzip"),
        pytest.param("jobs.xz", lzma.compress(TEXT * 100)[:-20], id="cut xz"),
        pytest.param("jobs.gz", lzma.compress(TEXT), id="xz called gz"),
        pytest.param("jobs.xz", gzip.compress(TEXT), id="gzip called xz"),
    ],
)
def test_a_damaged_packed_file_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with (
        pytest.raises(ExportRefusedError, match="cannot be read to its end"),
        open_export(str(tmp_path / name)) as export,
    ):
        export.stream.read()
