"""Any asset can be materialised alone, and says in one sentence what it lacks."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.assets.notifications import NOTIFICATIONS
from orchestration.defs.assets.raw import raw_assets, raw_key
from orchestration.defs.build import build_defs
from orchestration.defs.jobs import DAILY_JOB
from orchestration.settings import EngineName, Settings
from orchestration.warehouse.connection import Warehouse
from tests.notify.receiver import receiver
from tests.pipeline.homes import EVERYTHING, Home, copied

pytestmark = pytest.mark.more_runs


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run sets these variables; they are restored afterwards."""
    for name in ("DAGSTER_HOME", "SMALLCAP_WAREHOUSE"):
        monkeypatch.setenv(name, "")


@pytest.fixture(scope="module")
def home(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the sample's directory."""
    return copied(sample_home, tmp_path_factory.mktemp("alone") / "home", parts=EVERYTHING)


@pytest.fixture(scope="module")
def definitions(home: Home) -> dg.Definitions:
    """The code location of the copy."""
    return build_defs(home.settings())


@pytest.fixture(scope="module")
def new_home(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data directory with nothing but the parsed project."""
    return copied(home, tmp_path_factory.mktemp("new") / "home", parts=("dbt",)).settings()


def materialised(definitions: dg.Definitions, *names: str) -> dg.ExecuteInProcessResult:
    """A run with the selected assets, as the UI starts it: with the job of all assets."""
    job = definitions.get_repository_def().get_implicit_job_def_for_assets([dg.AssetKey(name.split("/")) for name in names])
    assert job is not None
    keys = [dg.AssetKey(name.split("/")) for name in names]
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(asset_selection=keys, instance=instance, raise_on_error=False)


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    """The materialised assets."""
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


def reason(result: dg.ExecuteInProcessResult) -> str:
    """Why a run failed."""
    [failure] = result.filter_events(lambda event: event.is_step_failure)
    error = failure.step_failure_data.error
    assert error
    return (error.cause.message if error.cause else failure.step_failure_data.error_display_string) + error.message


def test_no_step_forbids_a_part_of_its_assets(definitions: dg.Definitions) -> None:
    whole = [
        asset.node_def.name
        for asset in definitions.resolve_asset_graph().assets_defs
        if len(asset.keys) > 1 and not asset.can_subset
    ]
    assert whole == []


@pytest.mark.parametrize(
    "name",
    [
        "landing/fred_rates", "landing/nyse_sessions", "raw/sessions", "raw/holdings", "raw/fund_facts", "raw/rejects",
        "marts/performance", "published/ratio_daily", "published/report", "notify/notifications",
    ],
)  # fmt: skip
def test_an_asset_alone_is_made_and_reported_alone(home: Home, definitions: dg.Definitions, name: str) -> None:
    before = home.releases
    result = materialised(definitions, name)
    assert result.success
    assert made(result) == {name}
    # One published asset publishes a whole release.
    assert len(home.releases) - len(before) == (name.startswith("published/") and len(before) < 5)
    assert (home.releases[-1] != before[-1]) == name.startswith("published/")
    if name.startswith("published/"):
        assert (home.latest / "report.html").exists()
        assert {path.name for path in home.latest.iterdir()} >= {"manifest.json", "ratio_daily.parquet", "calendar.ics"}


def test_a_part_of_the_daily_job(home: Home, definitions: dg.Definitions) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def(DAILY_JOB).execute_in_process(
            asset_selection=[dg.AssetKey(["published", "holdings"]), dg.AssetKey(["published", "manifest"])], instance=instance
        )
    assert made(result) == {"published/holdings", "published/manifest"}


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("landing/fred_rates", "materialise landing/nyse_sessions first"),
        ("raw/sessions", "raw/sessions: landing has no document for it. Materialise landing/nyse_sessions first."),
        ("raw/rates", "raw/rates: no sessions are known. Materialise landing/nyse_sessions and raw/sessions first."),
        ("raw/fund_facts", "raw/fund_facts: no sessions are known. Materialise landing/nyse_sessions and raw/sessions first."),
        ("marts/performance", "Materialise them first, or run the job `daily`."),
        ("published/ratio_daily", "There is no warehouse to publish yet. Run the job `daily` first."),
        ("notify/notifications", "There is no release yet. Materialise published/manifest first."),
    ],
)
def test_one_sentence_says_what_is_missing(new_home: Settings, tmp_path: Path, name: str, first: str) -> None:
    fresh = copied(Home(new_home.home, "sample"), tmp_path / "home", parts=("dbt",))
    result = materialised(build_defs(fresh.settings()), name)
    assert not result.success
    assert first in reason(result)


def test_documents_that_are_compared_with_prices_wait_for_them(home: Home, new_home: Settings) -> None:
    copied(home, new_home.home, parts=("landing",))
    definitions = build_defs(new_home)
    assert materialised(definitions, "raw/sessions").success
    refused = materialised(definitions, "raw/holdings")
    assert "raw/holdings: the prices in landing, for comparison, were not read yet. Materialise raw/price_bars first." in reason(
        refused
    )
    for name in ("raw/price_bars", "raw/holdings", "raw/documents"):
        assert made(materialised(definitions, name)) == {name}
    refused = materialised(definitions, "published/report")
    assert "never built: run the job `daily`" in reason(refused)


def test_a_job_passes_steps_of_kinds_without_documents(home: Home, tmp_path: Path) -> None:
    """Members, quotes and factors are optional; the job of the prices leads through their tables."""
    fresh = copied(home, tmp_path / "home", parts=("dbt", "landing"))
    for kind in ("yahoo/quotes", "yahoo/member_prices", "french"):
        shutil.rmtree(fresh.path / "landing" / kind)
    definitions = build_defs(fresh.settings())
    assert materialised(definitions, "raw/sessions").success
    tables = {"raw/price_bars", "raw/fund_quotes", "raw/member_bars", "raw/factors"}
    assert made(materialised(definitions, *tables)) == tables
    refused = materialised(definitions, "raw/member_bars")
    assert "raw/member_bars: landing has no document for it. Materialise landing/" in reason(refused)


def test_a_step_of_ingesting_keeps_its_tables_in_the_lake_of_spark(home: Home, tmp_path: Path) -> None:
    """Spark itself is not needed for it."""
    fresh = copied(home, tmp_path / "home", parts=("landing",))
    settings = fresh.settings(engine=EngineName.spark)
    resources = {"settings": settings, "warehouse": Warehouse(settings.warehouse_path)}
    kept: set[str] = set()
    for chosen, step in (("sessions", {"sessions"}), ("rates", {"rates"}), ("rejects", {"documents", "rejects", "fetches"})):
        with dg.DagsterInstance.ephemeral() as instance:
            made_alone = dg.materialize(raw_assets, selection=[raw_key(chosen)], resources=resources, instance=instance)
        assert made_alone.success
        kept |= step
        assert {directory.name for directory in (settings.lake_dir / "raw").iterdir()} == kept
    with resources["warehouse"].connect(read_only=True) as connection:
        for table in kept:
            in_lake = f"(select * from read_parquet('{settings.lake_dir}/raw/{table}/*.parquet'))"
            for one, other in ((f"raw.{table}", in_lake), (in_lake, f"raw.{table}")):
                assert connection.execute(f"from {one} except all from {other}").fetchall() == []
        assert connection.execute("select count(*) > 1000 from raw.rates").fetchall() == [(True,)]


def test_every_check_has_a_description(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    said = {key: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    assert len(said) > 200
    assert [
        str(key) for key, text in said.items() if not text.endswith(".") or (not text[:1].isupper() and "_" not in text)
    ] == []
    by_name = {f"{key.asset_key.path[-1]}.{key.name}": text for key, text in said.items()}
    starts = {
        "fund_comparison.between_": "Every value that is known is within its bounds: holdings_count 1 or more; ",
        "performance.primary_key_": "No two rows have the same",
        "sector_weights.sector_weights_of_a_snapshot": "Sector weights of a snapshot sum to one.",
    }
    for name, start in starts.items():
        assert [text for key, text in by_name.items() if key.startswith(name) and text.startswith(start)], name


@pytest.mark.parametrize("is_dead", [False, True])
def test_notifying_is_a_step_of_its_own_and_stops_nothing(home: Home, tmp_path: Path, is_dead: bool) -> None:
    alone = copied(home, tmp_path / "home", parts=("published",))
    with receiver() as service:
        service.answers = [500] * 100 if is_dead else []
        settings = alone.settings(notify_urls=service.address, notify_daily=True)
        result = materialised(build_defs(settings), "notify/notifications")
        assert result.success
        [check] = result.get_asset_check_evaluations()
        assert (check.asset_key, check.passed) == (NOTIFICATIONS, not is_dead)
        assert len(service.received) == (not is_dead)
        assert "S3cret" not in str([event.to_json() if hasattr(event, "to_json") else event for event in result.all_events])
