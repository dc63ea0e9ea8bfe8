from dataclasses import replace
from pathlib import Path

import pytest

from auditor.doctor.check import Status
from auditor.doctor.file_systems import FolderFacts, file_system_of, folder_facts
from auditor.doctor.ledger_folder import Caller, folder_checks

GIB = 1024**3
SOUND = FolderFacts(
    path=Path("/var/lib/auditor"),
    owner_uid=0,
    mode=0o700,
    is_writable=True,
    kind="ext4",
    free_bytes=50 * GIB,
    n_free_inodes=1_000_000,
    strangers=(),
)
OK, WARNING, FAULT = Status
CASES = {
    "as it should be": ({}, {}),
    "not writable": ({"is_writable": False}, {"ledger_folder": FAULT}),
    "of nobody": ({"owner_uid": 54321}, {"ledger_owner": FAULT}),
    "readable by the group": ({"mode": 0o750}, {"ledger_mode": WARNING}),
    "writable by the group": ({"mode": 0o770}, {"ledger_mode": FAULT}),
    "readable by all": ({"mode": 0o755}, {"ledger_mode": FAULT}),
    "passable by all": ({"mode": 0o701}, {"ledger_mode": FAULT}),
    "files of others": ({"strangers": ("desk.sqlite",)}, {"ledger_files": FAULT}),
    "NFS": ({"kind": "nfs4"}, {"ledger_disk": FAULT}),
    "Lustre": ({"kind": "lustre"}, {"ledger_disk": FAULT}),
    "GPFS": ({"kind": "gpfs"}, {"ledger_disk": FAULT}),
    "CIFS": ({"kind": "cifs"}, {"ledger_disk": FAULT}),
    "SSH": ({"kind": "fuse.sshfs"}, {"ledger_disk": FAULT}),
    "memory": ({"kind": "tmpfs"}, {"ledger_disk": WARNING}),
    "some other FUSE": ({"kind": "fuseblk"}, {"ledger_disk": WARNING}),
    "not told": ({"kind": "unknown"}, {"ledger_disk": WARNING}),
    "XFS": ({"kind": "xfs"}, {}),
    "getting full": ({"free_bytes": 1 * GIB}, {"ledger_space": WARNING}),
    "full": ({"free_bytes": GIB // 10}, {"ledger_space": FAULT}),
    "few inodes": ({"n_free_inodes": 5_000}, {"ledger_inodes": WARNING}),
    "no inodes": ({"n_free_inodes": 3}, {"ledger_inodes": FAULT}),
    "inodes not counted": ({"n_free_inodes": None}, {}),
}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES)
def test_a_folder_is_judged(change, expected) -> None:
    checks = folder_checks(replace(SOUND, **change), Caller(0, "root"))
    assert {check.code: check.status for check in checks if check.status != OK} == expected


def test_the_network_file_system_is_called_by_its_name() -> None:
    checks = folder_checks(replace(SOUND, kind="lustre"), Caller(0, "root"))
    (disk,) = (check for check in checks if check.code == "ledger_disk")
    assert "lustre" in disk.found


MOUNTS = """\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
30 22 0:26 / /home rw,relatime shared:12 - nfs4 filer:/home rw,vers=4.2,addr=10.0.0.2
31 22 0:51 / /scratch rw,noatime - lustre 10.0.0.3@o2ib:/scratch rw,flock
32 30 0:52 / /home/alice/my\\040disk rw - fuse.sshfs alice@host:/ rw,user_id=1000
33 22 0:53 / /srv rw - xfs /dev/sdb1 rw
34 33 0:54 / /srv rw master:3 - tmpfs none rw,size=1024k
35 22 253:0 /@var /var rw shared:9 - btrfs /dev/mapper/root rw,subvol=/@var
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc", "ext4"),
        ("/home/alice/ledger", "nfs4"),
        ("/homes", "ext4"),
        ("/scratch", "lustre"),
        ("/home/alice/my disk/ledger", "fuse.sshfs"),
        ("/srv/ledger", "tmpfs"),
        ("/var/lib/auditor", "btrfs"),
    ],
)
def test_the_mount_that_a_path_lies_on_is_found(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_without_mounts_nothing_is_told() -> None:
    assert file_system_of(Path("/etc"), "") == "unknown"


def test_a_real_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    tmp_path.chmod(0o750)
    facts = folder_facts(tmp_path, ("book", "gone"))
    assert (facts.mode, facts.is_writable, facts.strangers) == (0o750, True, ())
    assert facts.kind != "unknown"
    assert facts.free_bytes > 0
