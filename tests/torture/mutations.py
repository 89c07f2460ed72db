"""Thousands of damaged documents of every vendor: none may stop or hang a run, and none may change a number undetected."""

import io
import random
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import polars as pl

from orchestration.landing.documents import Document, document_name, list_documents
from orchestration.market_calendar import horizon, sessions_frame
from orchestration.raw.parse import parse_document
from orchestration.sample_market import truths
from orchestration.sample_market.documents import sample_documents
from orchestration.settings import SAMPLE_CLOCK
from orchestration.universe import load_universe
from orchestration.vendors.feed import DocumentRejected
from orchestration.vendors.registry import FEEDS
from tests.torture.house import MEASURE, Difference, clock_after, difference, ingest_folder, scratch
from tests.torture.runs import Say
from tests.torture.small_landing import write_small_landing

SECONDS_A_DOCUMENT = 20
MEMORY = 6 * 2**30
"""Memory limit of a parsing process in bytes; the peak is reported."""

Rng = random.Random


@dataclass
class Tally:
    """The outcomes of mutated documents."""

    outcomes: Counter[str] = field(default_factory=Counter)
    escaped: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    failed_parsers: list[str] = field(default_factory=list)
    effects: list[tuple[str, float, str]] = field(default_factory=list)
    slowest: float = 0.0
    memory_mb: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another tally."""
        self.outcomes.update(other.outcomes)
        for name in ("escaped", "hung", "failed_parsers", "effects"):
            getattr(self, name).extend(getattr(other, name))
        self.slowest, self.memory_mb = max(self.slowest, other.slowest), max(self.memory_mb, other.memory_mb)


def base_landing(root: Path) -> Path:
    """At least one honest document per feed and format: the small landing folder and what it lacks."""
    write_small_landing(root, parts=1)
    sessions = sessions_frame(horizon(SAMPLE_CLOCK.date()))
    for feed in FEEDS:
        if (root / feed.vendor / feed.kind).exists():
            continue
        documents = sample_documents(feed.vendor, feed.kind, sessions)
        funds = [document for document in documents if document.symbol == "IWM"] or documents
        # Quotes of an open session, and both formats of the factors.
        for document in {one.extension: one for one in funds if one.retrieved_at not in truths.QUOTES_BEFORE_OPEN}.values():
            path = root / feed.vendor / feed.kind / document.symbol / document_name(document.retrieved_at, document.extension)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(document.build())
    # The same bars in another layout.
    for parquet in (root / "yahoo/prices/QQQ").glob("*.parquet"):
        parquet.with_suffix(".csv").write_bytes(pl.read_parquet(parquet).write_csv().encode())
        parquet.unlink()
    return root


def subjects(landing: Path) -> list[Document]:
    """The documents to damage: the newest of each vendor, kind, symbol and format."""
    newest = {(d.vendor, d.kind, d.symbol, d.extension): d for d in list_documents([landing])}
    return list(newest.values())


# ---------------------------------------------------------------- damage


def mutated(content: bytes, rng: Rng) -> tuple[str, bytes]:
    """A damaged copy and the name of the damage; deterministic for a state of the generator."""
    name = rng.choice(sorted(_DAMAGES))
    return name, _DAMAGES[name](content, rng)


def _flip(content: bytes, rng: Rng) -> bytes:
    spoilt = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 8, 64])):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def _cut(content: bytes, rng: Rng) -> bytes:
    return content[: rng.randrange(len(content))]


def _hole(content: bytes, rng: Rng) -> bytes:
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.choice([1, 10, 1000]) :]


def _zeros(content: bytes, rng: Rng) -> bytes:
    start = rng.randrange(len(content))
    size = rng.choice([1, 16, 4096])
    return content[:start] + bytes(min(size, len(content) - start)) + content[start + size :]


def _twice(content: bytes, rng: Rng) -> bytes:
    start = rng.randrange(len(content))
    end = min(len(content), start + rng.choice([10, 300, len(content)]))
    return content[:end] + content[start:]


def _lines(content: bytes, rng: Rng) -> bytes:
    lines = content.split(b"\n")
    for _ in range(rng.choice([1, 1, 3, 30])):
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        what = rng.choice(["drop", "double", "swap", "join", "break"])
        if what == "drop" and len(lines) > 2:
            del lines[one]
        elif what == "double":
            lines.insert(one, lines[other])
        elif what == "swap":
            lines[one], lines[other] = lines[other], lines[one]
        elif what == "join" and one + 1 < len(lines):
            lines[one : one + 2] = [lines[one] + lines[one + 1]]
        else:
            middle = len(lines[one]) // 2
            lines[one : one + 1] = [lines[one][:middle], lines[one][middle:]]
    return b"\n".join(lines)


def _digits(content: bytes, rng: Rng) -> bytes:
    """Change a digit, in a number or a date."""
    spoilt = bytearray(content)
    places = [i for i, byte in enumerate(content) if 48 <= byte <= 57]
    for place in rng.sample(places, min(len(places), rng.choice([1, 1, 1, 2, 10]))):
        spoilt[place] = 48 + (spoilt[place] - 48 + rng.randint(1, 9)) % 10
    return bytes(spoilt)


def _numbers(content: bytes, rng: Rng) -> bytes:
    """Multiply a number by 10, remove its sign or decimal point, or replace it."""
    import re

    found = list(re.finditer(rb"\d+\.\d+", content))
    for _ in range(rng.choice([1, 1, 5])):
        if not found:
            return _digits(content, rng)
        match = rng.choice(found)
        number = match[0]
        others = [b"0", b"", b"nan", b"inf", b"1e308", b"#REF!", b"-" + number, number + b"0", b"1" + number]
        wrong = rng.choice([*others, number.replace(b".", b""), number.replace(b".", b",")])
        content = content[: match.start()] + wrong + content[match.end() :]
        found = list(re.finditer(rb"\d+\.\d+", content))
    return content


def _cells(content: bytes, rng: Rng) -> bytes:
    """Empty, swap or remove cells of a line."""
    lines = content.split(b"\n")
    for _ in range(rng.choice([1, 1, 10])):
        place = rng.randrange(len(lines))
        cells = lines[place].split(b",")
        one, other = rng.randrange(len(cells)), rng.randrange(len(cells))
        what = rng.choice(["empty", "swap", "lose", "extra", "neighbour"])
        if what == "empty":
            cells[one] = b""
        elif what == "swap":
            cells[one], cells[other] = cells[other], cells[one]
        elif what == "lose":
            del cells[one]
        elif what == "extra":
            cells.insert(one, b"x")
        else:
            theirs = lines[(place + 1) % len(lines)].split(b",")
            cells[one] = theirs[min(one, len(theirs) - 1)]
        lines[place] = b",".join(cells)
    return b"\n".join(lines)


def _columns(content: bytes, rng: Rng) -> bytes:
    """Swap or remove the same cells of every line."""
    lines = [line.split(b",") for line in content.split(b"\n")]
    width = Counter(len(line) for line in lines).most_common(1)[0][0]
    one, other = rng.randrange(width), rng.randrange(width)
    lose, with_header = rng.random() < 0.4, rng.random() < 0.5
    first = True
    for cells in lines:
        if len(cells) != width:
            continue
        if first and not with_header:
            first = False
            continue
        first = False
        if lose:
            del cells[one]
        else:
            cells[one], cells[other] = cells[other], cells[one]
    return b"\n".join(b",".join(cells) for cells in lines)


def _encoding(content: bytes, rng: Rng) -> bytes:
    text = content.decode("utf-8-sig", "replace").replace("a", rng.choice(["a", "é", "\u2028", "\x00", "\U0001f600"]), 3)
    return text.encode(rng.choice(["latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8", "cp1252"]), "replace")


def _ends(content: bytes, rng: Rng) -> bytes:
    return content.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n", b"\n \n", b""]))


def _noise(content: bytes, rng: Rng) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + rng.randbytes(rng.choice([1, 5, 500])) + content[place:]


_DAMAGES: dict[str, Callable[[bytes, Rng], bytes]] = {
    "bytes flipped": _flip,
    "cut": _cut,
    "a hole": _hole,
    "zeros": _zeros,
    "a part twice": _twice,
    "lines": _lines,
    "digits": _digits,
    "numbers": _numbers,
    "cells": _cells,
    "columns": _columns,
    "encoding": _encoding,
    "line ends": _ends,
    "noise": _noise,
}


def _table_mutated(document: Document, content: bytes, rng: Rng) -> tuple[str, bytes]:
    """Parquet files and workbooks are compressed, so half of the mutations change the table inside and write it again."""
    if document.extension != "parquet" or rng.random() < 0.5:
        return mutated(content, rng)
    frame = pl.read_parquet(io.BytesIO(content))
    name, text = mutated(frame.write_csv().encode(), rng)
    try:
        changed = pl.read_csv(text, infer_schema_length=None, try_parse_dates=True)
    except Exception:  # noqa: BLE001
        return name, text
    buffer = io.BytesIO()
    changed.write_parquet(buffer)
    return f"{name} within", buffer.getvalue()


# ---------------------------------------------------------------- judgement


class _TooLong(BaseException):
    """The time limit is exceeded."""


def _ring(*_: object) -> None:
    raise _TooLong


@cache
def _honest(landing: Path) -> tuple[dict[str, pl.DataFrame], Path]:
    """A warehouse of the honest documents, made once per process, and its last known rows."""
    import tempfile

    place = Path(tempfile.mkdtemp(prefix="honest-", dir=landing.parent))
    taken = ingest_folder(landing, place / "warehouse.duckdb", clock_after(landing))
    return taken.known, place


def unseen_effect(document: Document, content: bytes, landing: Path, at: datetime) -> dict[str, Difference]:
    """The change of the last known rows by a parsed document that is ingested after the honest ones.

    The document is ingested as in a run, with validation.

    Returns:
        The tables that differ.
    """
    known, place = _honest(landing)
    with scratch(landing.parent, "mutated") as home:
        shutil.copy2(place / "warehouse.duckdb", home / "warehouse.duckdb")
        target = home / "landing" / document.vendor / document.kind / document.symbol / document_name(at, document.extension)
        target.parent.mkdir(parents=True)
        target.write_bytes(content)
        taken = ingest_folder(home / "landing", home / "warehouse.duckdb", clock_after(landing))
    found = {name: difference(name, rows, taken.known[name]) for name, rows in known.items()}
    return {name: d for name, d in found.items() if d}


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def judge_chunk(landing: Path, seed: int, begin: int, count: int) -> Tally:
    """Mutate, parse and judge some documents; the number of each is its seed."""
    tally = Tally()
    before = signal.signal(signal.SIGALRM, _ring)
    originals = subjects(landing)
    contents = [document.read() for document in originals]
    sessions = sessions_frame(horizon(SAMPLE_CLOCK.date()))
    for number in range(begin, begin + count):
        rng = random.Random(f"{seed} {number}")
        which = number % len(originals)
        document = originals[which]
        damage, content = _table_mutated(document, contents[which], rng)
        name = f"{number} {document.vendor}/{document.kind}/{document.symbol}.{document.extension}, {damage}"
        begun = monotonic()
        signal.setitimer(signal.ITIMER_REAL, SECONDS_A_DOCUMENT)
        try:
            outcome = _judge(document, content, contents[which], landing, sessions, name, tally)
        except _TooLong:
            outcome = "hung"
            tally.hung.append(name)
        except BaseException as error:  # noqa: BLE001
            outcome = "escaped"
            tally.escaped.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        tally.outcomes[outcome] += 1
        tally.slowest = max(tally.slowest, monotonic() - begun)
    signal.signal(signal.SIGALRM, before)
    tally.memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return tally


def _judge(
    document: Document, content: bytes, original: bytes, landing: Path, sessions: pl.DataFrame, name: str, tally: Tally
) -> str:
    if content == original:
        return "the same bytes"
    try:
        reading = parse_document(document, content, sessions, load_universe())
    except DocumentRejected as rejection:
        if "parser failed" in str(rejection):
            tally.failed_parsers.append(f"{name}: {rejection}")
        return "rejected"
    assert document.retrieved_at is not None
    honest = parse_document(document, original, sessions, load_universe())
    if all(frame.equals(honest.rows[table]) for table, frame in reading.rows.items()):
        return "the same rows"
    effect = unseen_effect(document, content, landing, document.retrieved_at + timedelta(minutes=1))
    if not effect:
        return "other rows, refused or without effect"
    for table, d in effect.items():
        tally.effects.append((table, d.largest, f"{name}: {d.wrong} wrong, {d.missing} missing"))
    return "taken with an effect"


def mutate_many(root: Path, count: int, *, seed: int, workers: int, say: Say) -> dict[str, object]:
    """Judge mutated documents; those with an effect are listed by their largest relative error."""
    landing = base_landing(root / "landing")
    tally, size, begun = Tally(), 100, monotonic()
    chunks = [(begin, min(size, count - begin)) for begin in range(0, count, size)]
    # If a process dies, the pool is created again, and the chunk counts as escaped.
    while chunks:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_bounded) as pool:
            futures = {chunk: pool.submit(judge_chunk, landing, seed, *chunk) for chunk in chunks}
            for chunk, future in futures.items():
                try:
                    tally.add(future.result(timeout=size * SECONDS_A_DOCUMENT * 2 + 600))
                except BrokenProcessPool:
                    tally.escaped.append(f"a reading process died within the documents {chunk[0]} to {chunk[0] + chunk[1] - 1}")
                    chunks = chunks[chunks.index(chunk) + 1 :]
                    break
                if (chunk[0] // size) % 10 == 9:
                    say(f"mutations: {dict(tally.outcomes)} after {(monotonic() - begun) / 60:.0f} minutes")
            else:
                chunks = []
    return {
        "documents": sum(tally.outcomes.values()),
        "outcomes": dict(tally.outcomes),
        "escaped": tally.escaped,
        "hung": tally.hung,
        "parsers that failed": len(tally.failed_parsers),
        "first of them": tally.failed_parsers[:10],
        "slowest, seconds": round(tally.slowest, 2),
        "peak memory, MB": round(tally.memory_mb),
        **_effects_by_table(tally.effects),
        "minutes": round((monotonic() - begun) / 60, 1),
    }


def _effects_by_table(effects: list[tuple[str, float, str]]) -> dict[str, object]:
    """The number of documents that changed each table, and the largest errors."""
    figures: dict[str, object] = {}
    for table, measure in MEASURE.items():
        own = sorted(((size, text) for name, size, text in effects if name == table), reverse=True)
        figures[f"{table}: documents with an effect"] = len(own)
        figures[f"{table}: largest effects, {measure}"] = [f"{size:.3g} ({text})" for size, text in own[:6]]
    return figures
