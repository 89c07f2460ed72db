"""`smallcap why`: from a row to the vendor's document, and an honest end where the trace ends."""

import json
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Command, answer, refusal
from tests.cli.hand_made import write_release

DOCUMENT = "yahoo/prices/IWM/2026-10-01T010000Z.csv"
EARLIER = "yahoo/prices/IWM/2026-09-29T233000Z.csv"
LATER = "yahoo/prices/IWM/2026-10-05T233000Z.csv"


@pytest.fixture
def traced(home: Path) -> Path:
    """The same directory with a warehouse, dbt's graph, and documents."""
    for path in (DOCUMENT, EARLIER, LATER):
        file = home / "landing" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    hashes = {path: sha256(path.encode()).hexdigest() for path in (DOCUMENT, EARLIER, LATER)}
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(f"""
            create schema raw;
            create table raw.price_bars as select
                symbol, session::date as session, close::double as close, volume::bigint as volume,
                observed_at::timestamp as observed_at, document_id
            from (values
                ('IWM', '2026-09-29', 285.1, 30000000, '2026-09-29 23:30', 'first'),
                ('IWM', '2026-09-30', 286.0, 29000000, '2026-09-30 21:00', 'first'),
                ('IWM', '2026-09-30', 286.64, 31000000, '2026-10-01 01:00', 'second'),
                ('IWM', '2026-09-30', 1.0, 1, '2026-10-05 23:30', 'third'),
                ('SPY', '2026-09-30', 613.2, 60000000, '2026-10-01 01:00', 'of_spy'))
                as t (symbol, session, close, volume, observed_at, document_id);
            create table raw.documents as select document_id, path, sha256, 'yahoo' as vendor, 'accepted' as status,
                timestamp '2026-10-01 01:00' as retrieved_at from (values ('first', '{EARLIER}', '{hashes[EARLIER]}'),
                ('second', '{DOCUMENT}', '{hashes[DOCUMENT]}'), ('third', '{LATER}', '{hashes[LATER]}'))
                as t (document_id, path, sha256);
        """)
    node = {"resource_type": "model", "original_file_path": "models/marts/funds/price_daily.sql", "config": {"meta": {}}}
    graph = {
        "metadata": {"generated_at": "2026-10-01T15:00:00Z"},
        "nodes": {
            "model.p.price_daily": {**node, "name": "price_daily", "depends_on": {"nodes": ["model.p.stg_price_bars"]}},
            "model.p.stg_price_bars": {
                **node,
                "name": "stg_price_bars",
                "config": {"meta": {"signals": ["clock"]}},
                "depends_on": {"nodes": ["source.p.raw.price_bars", "seed.p.funds"]},
            },
            "seed.p.funds": {"resource_type": "seed", "name": "funds", "original_file_path": "seeds/funds.csv"},
        },
        "sources": {"source.p.raw.price_bars": {"resource_type": "source", "name": "price_bars"}},
    }
    (home / "dbt").mkdir()
    (home / "dbt" / "manifest.json").write_text(json.dumps(graph))
    return home


@pytest.mark.usefixtures("traced")
def test_a_close_goes_back_to_the_document_that_said_it_last(smallcap: Command) -> None:
    said = json.loads(answer(smallcap("why", "price_daily", "IWM", "2026-09-30", "--json")))
    assert said["row"]["close"] == 286.64
    assert said["meanings"]["close"] == "Last price of the session; USD."
    assert (said["model"], said["models"], said["raw_tables"], said["seeds"]) == (
        "models/marts/funds/price_daily.sql", ["stg_price_bars"], ["price_bars"], ["seeds/funds.csv"],
    )  # fmt: skip
    assert [one["parameter"] for one in said["parameters"]] == ["clock.final_bar_minutes"]
    [seen] = said["observations"]
    assert (seen["subject"], seen["day"], seen["values"]) == ("IWM", "2026-09-30", {"close": 286.64, "volume": 31000000})
    # Observed twice by the clock of the release; what came later did not make this release.
    assert (seen["versions"], seen["usable"], seen["document_id"]) == (2, 3, "second")
    [document] = said["documents"]
    assert (document["path"], document["sha256"]) == (DOCUMENT, sha256(DOCUMENT.encode()).hexdigest())
    assert document["hash_check"] == "the file has this hash"


def test_a_changed_or_missing_document_is_said(traced: Path, smallcap: Command) -> None:
    (traced / "landing" / DOCUMENT).write_text("something else")
    assert "THE FILE HAS ANOTHER HASH" in answer(smallcap("why", "price_daily", "IWM"))
    (traced / "landing" / DOCUMENT).unlink()
    assert "the file is not in landing" in answer(smallcap("why", "price_daily", "IWM"))


@pytest.mark.usefixtures("traced")
def test_without_the_last_values_of_the_key_the_newest_row_is_meant(smallcap: Command) -> None:
    text = answer(smallcap("why", "price_daily", "IWM"))
    assert text.startswith("price_daily: fund IWM, session 2026-09-30\n")
    assert "from raw.price_bars, dbt_project/seeds/funds.csv" in text
    assert "Lineage of single cells" in " ".join(text.split())


def test_values_are_those_of_the_table(home: Path, smallcap: Command) -> None:
    also = "alter table price_daily add column is_kept boolean; update price_daily set is_kept = true, volume = null"
    write_release(home / "published", name="20261003T000000000000Z", also=also)
    text = answer(smallcap("why", "price_daily", "IWM"))
    assert "  volume = NULL\n" in text
    assert "  is_kept = true\n" in text


def test_where_the_trace_ends_it_says_so(smallcap: Command) -> None:
    text = " ".join(answer(smallcap("why", "price_daily", "IWM")).split())
    assert "has no dbt manifest" in text
    assert "has no warehouse" in text


@pytest.mark.usefixtures("traced")
def test_a_table_without_a_model_is_said_to_be_published_without_one(smallcap: Command) -> None:
    text = " ".join(answer(smallcap("why", "reading_changes")).split())
    assert "reading_changes is written while publishing" in text


def test_an_unknown_table_or_key_names_what_exists(smallcap: Command) -> None:
    assert "Tables with a key are holdings, price_daily, reading_changes" in refusal(smallcap("why", "nothing"))
    assert "holdings is withheld from this release: a test failed." in refusal(smallcap("why", "holdings"))
    assert "Its key is fund, session, for example IWM 2026-09-30" in refusal(smallcap("why", "price_daily", "IWM", "2026-09-27"))
    assert "3 values are too many" in refusal(smallcap("why", "price_daily", "IWM", "2026-09-30", "close"))
