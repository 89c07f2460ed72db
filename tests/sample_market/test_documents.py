"""The documents: always the same bytes, and parsed as planned."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from orchestration.sample_market import documents as documents_module
from orchestration.sample_market import truths
from orchestration.sample_market.companies import companies
from orchestration.sample_market.documents import DEFAULT_SEED, SampleDocument, sample_documents
from orchestration.settings import SAMPLE_CLOCK, SEEDS_DIR
from orchestration.universe import load_universe
from orchestration.vendors.feed import Context
from orchestration.vendors.registry import BY_PLACE
from tests.sample_market.conftest import KINDS, Ingested

pytestmark = pytest.mark.slow

ADDED = ("VTWO", "IJR", "IVV", "SPLG", "QQQM")
FURTHER_FUNDS = """\
VTWO,Vanguard Russell 2000 ETF,Vanguard,Russell 2000,alternative,2010-09-20,,,VTWO,
IJR,iShares Core S&P Small-Cap ETF,BlackRock (iShares),S&P SmallCap 600,alternative,2000-05-22,ishares,239774,IJR,580
IVV,iShares Core S&P 500 ETF,BlackRock (iShares),S&P 500,alternative,2000-05-15,ishares,239726,IVV,480
SPLG,State Street SPDR Portfolio S&P 500 ETF,State Street (SPDR),S&P 500,alternative,2005-11-08,ssga,splg,SPLG,480
QQQM,Invesco Nasdaq 100 ETF,Invesco,Nasdaq 100,alternative,2020-10-13,invesco,QQQM,QQQM,90
"""

PRINT_HASH = f"""
import sys
from hashlib import sha256
import polars as pl
from orchestration.sample_market.documents import sample_documents
sessions = pl.read_parquet(sys.argv[1])
print(sha256(b"".join(d.build() for kind in {KINDS!r} for d in sample_documents(*kind, sessions))).hexdigest())
"""


def test_another_process_gives_the_same_bytes(
    sessions: pl.DataFrame, documents: list[tuple[SampleDocument, bytes]], tmp_path: Path
) -> None:
    root = Path(documents_module.__file__).parents[2]
    sessions.write_parquet(tmp_path / "sessions.parquet")
    command = [sys.executable, "-c", PRINT_HASH, str(tmp_path / "sessions.parquet")]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == sha256(b"".join(content for _, content in documents)).hexdigest()


def test_another_seed_gives_another_market(sessions: pl.DataFrame) -> None:
    for kind in (("yahoo", "prices"), ("invesco", "holdings")):
        assert sample_documents(*kind, sessions, seed=1)[0].build() != sample_documents(*kind, sessions, seed=2)[0].build()


def test_no_retrieval_is_after_the_sample_clock(documents: list[tuple[SampleDocument, bytes]]) -> None:
    assert max(document.retrieved_at for document, _ in documents) <= SAMPLE_CLOCK
    names = [(d.vendor, d.kind, d.symbol, d.retrieved_at) for d, _ in documents]
    assert len(set(names)) == len(names)


def test_all_documents_except_the_planted_failures_are_accepted(market: Ingested) -> None:
    rejected = {path: outcome.reason or "" for path, outcome in market.outcomes.items() if outcome.status != "accepted"}
    stale = "yahoo/quotes/{}/{:%Y-%m-%dT%H%M%SZ}.parquet".format(*truths.STALE_CHAIN)
    assert sorted(rejected) == [_path(truths.UNDATED_COPY_RETRIEVED), _path(truths.WEB_PAGE_RETRIEVED), stale]
    assert "the quote is stale" in rejected[stale]
    assert "no as-of date" in rejected[_path(truths.UNDATED_COPY_RETRIEVED)]
    assert "web page" in rejected[_path(truths.WEB_PAGE_RETRIEVED)]


def test_only_the_planted_rows_are_rejected(market: Ingested) -> None:
    partly = {path: outcome.rows_rejected for path, outcome in market.outcomes.items() if outcome.rows_rejected}
    last = truths.PRICE_RETRIEVALS[-1]
    symbols = {fund.price_symbol for fund in load_universe().values() if fund.price_symbol}
    assert partly == {
        "ishares/holdings/IWM/2026-05-30T010000Z.csv": 1,
        "yahoo/prices/SPY/2026-06-30T233000Z.parquet": 1,
        "yahoo/member_prices/US/2026-06-30T234400Z.parquet": 2,  # a bar without prices, and one with a high below its low
        # The crossed quote of a fund, and that of a contract.
        "yahoo/quotes/{}/{:%Y-%m-%dT%H%M%SZ}.parquet".format(*truths.CROSSED_QUOTE): 1,
        "yahoo/quotes/{}/{:%Y-%m-%d}T193000Z.parquet".format(*truths.CROSSED_CONTRACT): 1,
        **{f"yahoo/prices/{symbol}/{last:%Y-%m-%dT%H%M%SZ}.parquet": 1 for symbol in symbols},
    }
    reasons = market.query("select reason, content from raw.rejects where line is not null")
    assert reasons.filter(pl.col("content").str.contains(truths.BROKEN_MARKET_VALUE, literal=True)).height == 1
    still_open = reasons.filter(pl.col("reason").str.contains("still open"))
    assert still_open["content"].str.starts_with(str(truths.PARTIAL_SESSION)).to_list() == [True] * len(symbols)


def test_a_fund_added_to_the_seed_needs_no_code(
    sessions: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: list[tuple[SampleDocument, bytes]]
) -> None:
    seed = tmp_path / "funds.csv"
    own = "\n".join(line.rstrip() for line in _seed_lines() if line.split(",")[0] not in ADDED)
    seed.write_text(f"{own}\n{FURTHER_FUNDS}")
    universe = load_universe(seed)
    monkeypatch.setattr(documents_module, "load_universe", lambda: universe)
    made = {(d.vendor, d.symbol, d.retrieved_at): d for kind in KINDS for d in sample_documents(*kind, sessions)}
    for (_, symbol, retrieved_at), document in made.items():
        if symbol not in ADDED:
            continue
        context = Context(
            symbol=symbol,
            extension=document.extension,
            retrieved_at=retrieved_at,
            declared_as_of=None,
            fund=universe[symbol],
            sessions=sessions,
        )
        parsed = BY_PLACE[document.vendor, document.kind].parse(document.build(), context)
        least = universe[symbol].min_holdings if document.kind == "holdings" else None
        assert parsed.tables[parsed.main].height > (least or 0)
    # The other documents are unchanged when generated again.
    for document, content in documents:
        if document.symbol not in ADDED:
            assert made[document.vendor, document.symbol, document.retrieved_at].build() == content


def test_identifiers_have_valid_check_digits_in_the_private_ranges() -> None:
    table = companies(DEFAULT_SEED).table
    assert table.select(pl.col("cusip", "sedol", "ticker", "name").is_duplicated().any()).row(0) == (False,) * 4
    for cusip in table["cusip"]:
        values = [int(character, 36) * (1 + place % 2) for place, character in enumerate(cusip[:8])]
        assert (sum(sum(divmod(value, 10)) for value in values) + int(cusip[8])) % 10 == 0
        assert len(cusip) == 9 and cusip.removeprefix("G").startswith("99")
    for sedol in table["sedol"]:
        weighted = [int(character, 36) * weight for character, weight in zip(sedol, (1, 3, 1, 7, 3, 9, 1), strict=True)]
        assert sum(weighted) % 10 == 0 and sedol[0] == "9" and not set(sedol) & set("AEIOU")


def _seed_lines() -> list[str]:
    return (SEEDS_DIR / "funds.csv").read_text().splitlines()


def _path(retrieved_at: object) -> str:
    return f"ishares/holdings/IWM/{retrieved_at:%Y-%m-%dT%H%M%SZ}.csv"
