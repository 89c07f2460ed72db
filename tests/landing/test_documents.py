"""Documents on disk: names, paths, and immutability."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.files import write_atomically
from orchestration.landing import documents as landing
from orchestration.landing.documents import (
    Document,
    UnreadableDocument,
    list_documents,
    newest_document,
    stray_files,
    write_document,
)
from orchestration.vendors.feed import DocumentRejected

AT = datetime(2026, 5, 6, 1, 2, 3, tzinfo=UTC)


def write(root: Path, content: bytes = b"x", at: datetime = AT, **more: object) -> Document:
    return write_document(
        root, vendor="fred", kind="rates", symbol="DFF", retrieved_at=at, extension="csv", content=content, **more
    )  # type: ignore[arg-type]


def test_a_document_is_described_by_its_name(tmp_path: Path) -> None:
    document = write(tmp_path, declared_as_of=date(2026, 5, 5))
    assert document.key == "fred/rates/DFF/2026-05-06T010203Z.asof=2026-05-05.csv"
    assert (document.retrieved_at, document.declared_as_of, document.extension) == (AT, date(2026, 5, 5), "csv")
    assert document.read() == b"x"


@pytest.mark.parametrize("name", ["holdings.csv", "2026-05-06.csv", "2026-13-06T010203Z.csv", "2026-05-06T010203Zx.csv"])
def test_other_names_have_no_retrieval_time(name: str) -> None:
    assert Document(Path(name), "v", "k", "s").retrieved_at is None


def test_an_invalid_declared_date_is_none() -> None:
    assert Document(Path("2026-05-06T010203Z.asof=2026-02-30.csv"), "v", "k", "s").declared_as_of is None


def test_a_document_is_never_changed(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path)
    with pytest.raises(FileExistsError, match="never changed"):
        write(tmp_path, b"other")
    assert [d.read() for d in list_documents([tmp_path])] == [b"x"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("orchestration.files.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "a" / "b", b"x")
    assert list((tmp_path / "a").iterdir()) == []


def test_listing_is_ordered_and_ignores_unfinished_files(tmp_path: Path) -> None:
    other = tmp_path / "other"
    late, early = write(tmp_path / "own", at=AT.replace(year=2027)), write(other, at=AT.replace(year=2025))
    (late.path.parent / ".incoming-abc").write_bytes(b"half")
    (tmp_path / "own" / "README").write_text("stray")
    roots = [tmp_path / "own", other]
    assert [d.key for d in list_documents(roots)] == [early.key, late.key]
    assert list(list_documents(roots, vendor="yahoo")) == []
    assert stray_files(roots) == [tmp_path / "own" / "README"]
    newest = newest_document(roots, vendor="fred", kind="rates", symbol="DFF")
    assert newest is not None
    assert newest.key == late.key
    assert newest_document(roots, vendor="fred", kind="rates", symbol="DGS10") is None


NAME = "2026-05-06T010203Z.csv"


def listed(root: Path) -> Document:
    (document,) = list_documents([root])
    return document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the only symbol."""
    place = tmp_path / "landing" / "fred" / "rates" / "DFF"
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize("name", ["desktop.ini", "Desktop.ini", ".DS_Store", "Thumbs.db", "~$2026-05-06T010203Z.xlsx", "._x.csv"])
def test_files_of_desktop_programs_are_ignored(name: str, tmp_path: Path) -> None:
    document = write(tmp_path)
    for place in (tmp_path, document.path.parent.parent, document.path.parent):
        (place / name).write_bytes(b"clutter")
    assert [d.path for d in list_documents([tmp_path])] == [document.path]
    assert stray_files([tmp_path]) == []


def test_files_in_hidden_folders_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".git" / "a" / "b").mkdir(parents=True)
    (tmp_path / ".git" / "a" / "b" / "c").write_bytes(b"x")
    (tmp_path / ".git" / "index").write_bytes(b"x")
    assert list(list_documents([tmp_path])) == []
    assert stray_files([tmp_path]) == []


def test_a_link_out_of_the_landing_folder_is_not_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"root:x:0:0")
    (folder / NAME).symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableDocument, match="outside the landing folder: copy the file itself"):
        listed(tmp_path / "landing").read()


def test_a_linked_folder_out_of_the_landing_folder_is_not_read(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside")
    (tmp_path / "landing" / "fred").mkdir(parents=True)
    (tmp_path / "landing" / "fred" / "rates").symlink_to(outside.path.parents[1])
    with pytest.raises(UnreadableDocument, match="outside the landing folder"):
        listed(tmp_path / "landing").read()


def test_a_link_inside_the_landing_folder_is_read(folder: Path, tmp_path: Path) -> None:
    (folder.parents[2] / "archive.csv").write_bytes(b"x")
    (folder / NAME).symlink_to(folder.parents[2] / "archive.csv")
    assert listed(tmp_path / "landing").read() == b"x"


def test_a_landing_folder_may_be_a_link_itself(tmp_path: Path) -> None:
    write(tmp_path / "real")
    (tmp_path / "landing").symlink_to(tmp_path / "real")
    assert listed(tmp_path / "landing").read() == b"x"


@pytest.mark.parametrize("target", ["nowhere.csv", NAME])
def test_a_broken_or_circular_link_is_rejected(target: str, folder: Path, tmp_path: Path) -> None:
    (folder / NAME).symlink_to(folder / target)
    with pytest.raises(UnreadableDocument, match="a (broken|circular) link"):
        listed(tmp_path / "landing").read()


def test_a_folder_with_a_documents_name_is_rejected_and_others_are_ignored(folder: Path, tmp_path: Path) -> None:
    (folder / NAME).mkdir()
    (folder / "old").mkdir()
    (folder / "old" / "a.csv").write_bytes(b"x")
    with pytest.raises(UnreadableDocument, match="the path is a folder, not a file"):
        listed(tmp_path / "landing").read()
    assert stray_files([tmp_path / "landing"]) == [folder / "old" / "a.csv"]


def test_a_pipe_is_rejected_without_waiting(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / NAME)
    with pytest.raises(UnreadableDocument, match="pipe or a device"):
        listed(tmp_path / "landing").read()


def test_a_file_over_the_limit_is_rejected_unread(folder: Path, tmp_path: Path) -> None:
    with (folder / NAME).open("wb") as stream:
        stream.truncate(landing.LARGEST_DOCUMENT_BYTES + 1)  # a sparse file, which needs no space on the disk
    with pytest.raises(UnreadableDocument, match="larger than 200,000,000 bytes"):
        listed(tmp_path / "landing").read()


def test_a_file_at_the_limit_is_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "LARGEST_DOCUMENT_BYTES", 5)
    (folder / NAME).write_bytes(b"12345")
    assert listed(tmp_path / "landing").read() == b"12345"
    (folder / NAME).write_bytes(b"123456")
    with pytest.raises(UnreadableDocument, match="larger than 5 bytes"):
        listed(tmp_path / "landing").read()


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(PermissionError(13, "Permission denied"), "read permission"), (OSError(5, "I/O error"), "check the disk")],
)
def test_an_unreadable_file_is_rejected_with_advice(
    error: OSError, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is simulated, because a superuser can read everything."""
    document = write(tmp_path)

    def refuse(*_: object) -> int:
        raise error

    monkeypatch.setattr("orchestration.landing.documents.os.open", refuse)
    with pytest.raises(UnreadableDocument, match=rf"the file cannot be read \({error.strerror}\): .*{remedy}"):
        document.read()


def test_an_unreadable_folder_does_not_affect_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    document = write(tmp_path)
    (tmp_path / "fred" / "closed").mkdir()
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr("orchestration.landing.documents.os.scandir", refuse)
    assert [d.path for d in list_documents([tmp_path])] == [document.path]
    assert "closed cannot be listed (Permission denied)" in caplog.text


def test_a_name_that_is_not_text_is_escaped_and_read(folder: Path, tmp_path: Path) -> None:
    (folder / os.fsdecode(b"2026-05-06T010203Z.caf\xe9\n.csv")).write_bytes(b"x")
    (tmp_path / "landing" / os.fsdecode(b"\xff")).write_bytes(b"stray")
    document = listed(tmp_path / "landing")
    assert document.key == "fred/rates/DFF/2026-05-06T010203Z.caf\\udce9\\n.csv"
    assert (document.extension, document.read()) == ("csv", b"x")
    assert [str(path) for path in stray_files([tmp_path / "landing"])] == [str(tmp_path / "landing" / "\\udcff")]


def test_an_unreadable_document_is_rejected() -> None:
    assert issubclass(UnreadableDocument, DocumentRejected)
