import os
from pathlib import Path

import pytest

from auditor.deliver.files import DeliveryError, replace_site, write_file, write_files

PAGES = {"index.html": "<p>ü</p>", "user-alice.html": "alice"}


def test_files_are_written_whole_and_in_order(tmp_path):
    written = write_files(tmp_path / "a" / "b", PAGES, create=True)
    assert [path.name for path in written] == list(PAGES)
    assert {path.name: path.read_text("utf-8") for path in written} == PAGES
    assert sorted(os.listdir(tmp_path / "a" / "b")) == sorted(PAGES)  # noqa: PTH208  (names)


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old, and longer than the new one")
    write_file(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_link_is_replaced_and_not_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "page.html").symlink_to(target)
    write_file(tmp_path / "page.html", "page")
    assert target.read_text() == "precious"
    assert not (tmp_path / "page.html").is_symlink()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\x00b"])
def test_a_name_that_is_a_path_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="not a plain file name"):
        write_files(tmp_path, {"fine.html": "x", name: "x"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "folder", [pytest.param("missing", id="missing"), pytest.param("file", id="a file")]
)
def test_a_folder_that_is_none_is_an_error_with_advice(tmp_path, folder):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DeliveryError, match="cannot write to") as caught:
        write_files(tmp_path / folder, PAGES)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(DeliveryError, match="No space left"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_to_write_writes_nothing(tmp_path):
    assert write_files(tmp_path, {}) == []
    assert list(Path(tmp_path).iterdir()) == []


def test_a_new_site_takes_the_place_of_an_earlier_one_and_leaves_other_files(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    replace_site(tmp_path, {"alice.html": "a", "index.html": "i"})
    replace_site(tmp_path, {"bob.html": "b", "index.html": "i"})
    assert {path.name for path in tmp_path.iterdir() if path.suffix} == {
        "bob.html",
        "index.html",
        "mine.txt",
    }


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    with pytest.raises(DeliveryError, match=f"{tmp_path}: it is a folder"):
        write_file(tmp_path, "x")


def test_pages_are_for_the_owner_and_the_group(tmp_path):
    folder = tmp_path / "carbon" / "2026-W47"
    replace_site(folder, PAGES)
    assert {path.stat().st_mode & 0o137 for path in folder.iterdir()} == {0}
    assert {path.stat().st_mode & 0o027 for path in (folder, folder.parent)} == {0}


def test_a_link_in_the_place_of_a_folder_of_pages_is_refused(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".pages").write_text("precious.html")
    (elsewhere / "precious.html").write_text("precious")
    (tmp_path / "2026-W47").symlink_to(elsewhere)
    with pytest.raises(DeliveryError, match="is a link"):
        replace_site(tmp_path / "2026-W47", PAGES)
    assert {path.name for path in elsewhere.iterdir()} == {".pages", "precious.html"}


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(b"../precious\n/etc/hostname\n.\n..\n\n", id="paths"),
        pytest.param(b"\xff\xfe\x00\n\x80", id="no text"),
        pytest.param(b"folder\n.pages\n", id="folder and itself"),
        pytest.param(b"x" * 5000 + b"\ngone.html", id="long and gone"),
    ],
)
def test_a_list_of_pages_that_is_odd_deletes_nothing_else(tmp_path, listed):
    site = tmp_path / "site"
    (site / "folder").mkdir(parents=True)
    (site / "old.html").write_text("old")
    (tmp_path / "precious").write_text("precious")
    (site / ".pages").write_bytes(b"old.html\n" + listed)
    replace_site(site, PAGES)
    assert {path.name for path in site.iterdir()} == {".pages", "folder", *PAGES}
    assert (tmp_path / "precious").read_text() == "precious"
    assert (site / ".pages").read_text() == "\n".join(PAGES)


def test_a_list_of_pages_that_is_no_file_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / ".pages")
    replace_site(tmp_path, PAGES)
    assert (tmp_path / ".pages").read_text() == "\n".join(PAGES)
