"""Documents on disk: names, places, and that none is ever changed."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.landing import Document, list_documents, newest_document, stray_files, write_atomically, write_document

AT = datetime(2026, 5, 6, 1, 2, 3, tzinfo=UTC)


def write(root: Path, content: bytes = b"x", at: datetime = AT, **more: object) -> Document:
    return write_document(
        root, vendor="fred", kind="rates", symbol="DFF", retrieved_at=at, extension="csv", content=content, **more
    )  # type: ignore[arg-type]


def test_a_document_knows_itself_by_its_name(tmp_path: Path) -> None:
    document = write(tmp_path, declared_as_of=date(2026, 5, 5))
    assert document.key == "fred/rates/DFF/2026-05-06T010203Z.asof=2026-05-05.csv"
    assert (document.retrieved_at, document.declared_as_of, document.extension) == (AT, date(2026, 5, 5), "csv")
    assert document.read() == b"x"


@pytest.mark.parametrize("name", ["holdings.csv", "2026-05-06.csv", "2026-13-06T010203Z.csv", "2026-05-06T010203Zx.csv"])
def test_other_names_have_no_retrieval_time(name: str) -> None:
    assert Document(Path(name), "v", "k", "s").retrieved_at is None


def test_a_wrong_declared_date_is_none() -> None:
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

    monkeypatch.setattr("orchestration.landing.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "a" / "b", b"x")
    assert list((tmp_path / "a").iterdir()) == []


def test_listing_is_in_order_and_passes_over_what_is_unfinished(tmp_path: Path) -> None:
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
