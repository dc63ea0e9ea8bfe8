import gzip
import hashlib
import lzma
import zlib

import pytest

from auditor.collect.export_file import open_export
from auditor.errors import UsageError

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
        with pytest.raises(UsageError, match="cannot be read"), open_export(str(path)):
            pass
