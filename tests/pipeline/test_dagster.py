"""The asset graph, the schedule, a subset, and a step that fails."""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestration.defs.build import build_defs
from orchestration.defs.jobs import DAILY_JOB, after_the_close, before_the_close
from orchestration.defs.runner import RunFailed, run_daily
from orchestration.warehouse.dbt_build import BuildFailed, Dbt
from tests.pipeline.homes import EVERYTHING, RAW_TABLES, Home, ask, copied, warehouse

NEW_YORK = ZoneInfo("America/New_York")
Specs = dict[str, dg.AssetSpec]


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run sets these variables; they are restored afterwards."""
    for name in ("DAGSTER_HOME", "SMALLCAP_WAREHOUSE"):
        monkeypatch.setenv(name, "")


@pytest.fixture(scope="module")
def definitions(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The code location over a copy of the sample's warehouse."""
    home = copied(sample_home, tmp_path_factory.mktemp("dagster") / "home")
    return build_defs(home.settings())


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> Specs:
    """Every asset by its key."""
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def tables_of(home: Home, *schemas: str) -> set[str]:
    """Tables and views of some schemas, as asset keys."""
    with warehouse(home) as connection:
        names = ask(connection, "select table_schema, table_name from information_schema.tables").rows()
    return {f"{schema}/{name}" for schema, name in names if schema in schemas}


def test_the_code_location_loads(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    assert definitions.resolve_job_def(DAILY_JOB).name == DAILY_JOB


def test_every_table_is_an_asset(specs: Specs, sample_home: Home) -> None:
    made = tables_of(sample_home, "seeds", "staging", "intermediate", "marts")
    landing = {
        f"landing/{vendor.name}_{kind.name}" for vendor in (sample_home.path / "landing").iterdir() for kind in vendor.iterdir()
    } - {"landing/exchange_calendars_sessions"} | {"landing/nyse_sessions"}
    raw = {f"raw/{table}" for table in RAW_TABLES}
    published = {f"published/{path.stem}" for path in sample_home.latest.glob("*.parquet")} | {
        "published/warehouse",
        "published/manifest",
    }
    assert len(landing) == 13
    assert (made | landing | raw | published) - set(specs) == set()
    known = {"landing", "raw", "seeds", "staging", "intermediate", "marts", "published", "notify"}
    assert {key.split("/")[0] for key in specs} == known


def test_every_asset_is_described_grouped_owned_and_has_kinds(specs: Specs) -> None:
    for key, spec in specs.items():
        assert spec.description, key
        assert spec.group_name not in (None, "", "default"), key
        assert spec.kinds, key
        assert list(spec.owners), key


def test_groups_are_in_the_order_of_the_data_flow(specs: Specs) -> None:
    groups = {key.split("/")[0]: str(spec.group_name) for key, spec in specs.items()}
    # A step in the folder of a mart is in the mart's group.
    models = sorted({str(spec.group_name) for key, spec in specs.items() if key.startswith(("intermediate/", "marts/"))})
    way = [groups[layer] for layer in ("landing", "raw", "seeds", "staging")] + [*models, groups["published"]]
    assert way == sorted(way)
    assert len(set(way)) == 15


def test_raw_tables_and_marts_show_their_columns(specs: Specs, sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        rows = ask(
            connection, "select schema_name || '/' || table_name as key, column_name from duckdb_columns() order by column_index"
        )
    for key, spec in specs.items():
        if not key.startswith(("raw/", "marts/")) or key in ("raw/documents", "raw/rejects", "raw/fetches"):
            continue
        schema: Any = spec.metadata["dagster/column_schema"]
        columns = [column.name for column in getattr(schema, "value", schema).columns]
        stored = rows.filter(key=key)["column_name"].to_list()
        assert columns == [name for name in stored if key.startswith("marts/") or name not in ("observed_at", "document_id")], key


def test_the_graph_leads_from_landing_to_published(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    ancestors = graph.upstream_key_iterator(dg.AssetKey(["published", "regime_daily"]))
    keys = {key.to_user_string() for key in ancestors}
    assert {"landing/yahoo_prices", "raw/price_bars", "staging/stg_price_bars", "marts/ratio_daily", "marts/regime_daily"} <= keys


def test_dbt_tests_are_asset_checks(definitions: dg.Definitions) -> None:
    checks = definitions.resolve_asset_graph().asset_check_keys
    on_marts = {key.asset_key.to_user_string() for key in checks}
    graph = definitions.resolve_asset_graph()
    marts = {key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == "marts"}
    assert marts - on_marts == set()
    assert len(checks) > 60


def scheduled(day: datetime, definitions: dg.Definitions) -> dg.RunRequest | dg.SkipReason:
    """The result of the schedule at a time."""
    context = dg.build_schedule_context(scheduled_execution_time=day, repository_def=definitions.get_repository_def())
    answer = after_the_close(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


@pytest.mark.parametrize(
    "day",
    [datetime(2026, 11, 26, 18, 30), datetime(2026, 12, 25, 18, 30), datetime(2026, 4, 3, 18, 30)],
    ids=lambda d: str(d.date()),
)
def test_the_schedule_skips_a_holiday(definitions: dg.Definitions, day: datetime) -> None:
    answer = scheduled(day.replace(tzinfo=NEW_YORK), definitions)
    assert isinstance(answer, dg.SkipReason)
    assert str(day.date()) in str(answer.skip_message)


@pytest.mark.parametrize("day", [datetime(2026, 11, 25, 18, 30), datetime(2026, 11, 27, 18, 30)], ids=lambda d: str(d.date()))
def test_the_schedule_requests_one_run_per_session(definitions: dg.Definitions, day: datetime) -> None:
    answer = scheduled(day.replace(tzinfo=NEW_YORK), definitions)
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key == str(day.date())


@pytest.mark.parametrize(
    ("at", "is_asked"),
    [
        (datetime(2026, 11, 25, 15, 30), True),
        (datetime(2026, 11, 25, 12, 30), False),
        (datetime(2026, 11, 27, 12, 30), True),  # closes at 13:00
        (datetime(2026, 11, 27, 15, 30), False),
        (datetime(2026, 11, 26, 15, 30), False),  # no session
    ],
    ids=str,
)
def test_quotes_are_asked_for_half_an_hour_before_the_close(definitions: dg.Definitions, at: datetime, *, is_asked: bool) -> None:
    context = dg.build_schedule_context(
        scheduled_execution_time=at.replace(tzinfo=NEW_YORK), repository_def=definitions.get_repository_def()
    )
    answer = before_the_close(context)
    assert isinstance(answer, dg.RunRequest if is_asked else dg.SkipReason)


@pytest.mark.more_runs
def test_single_models_can_be_materialised(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "home")
    chosen = [dg.AssetKey(["marts", name]) for name in ("regime_daily", "regime_spells")]
    job = build_defs(home.settings()).resolve_job_def(DAILY_JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(asset_selection=chosen, instance=instance, raise_on_error=True)
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    assert made == set(chosen)
    evaluated = result.get_asset_check_evaluations()
    assert evaluated
    assert all(check.passed for check in evaluated)
    counts = {
        event.asset_key: event.materialization.metadata["dagster/row_count"].value
        for event in result.get_asset_materialization_events()
    }
    with warehouse(home) as connection:
        for key in chosen:
            assert counts[key] == ask(connection, f"select count(*) from marts.{key.path[-1]}").item()


@pytest.mark.more_runs
def test_the_ui_shows_lineage_rows_and_charts(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "home", parts=EVERYTHING)
    definitions = build_defs(home.settings(ui_details=True))
    model = dg.AssetKey(["marts", "sector_coverage"])
    for _ in range(2):  # computed, then cached
        with dg.DagsterInstance.ephemeral() as instance:
            result = definitions.resolve_job_def(DAILY_JOB).execute_in_process(
                asset_selection=[model], instance=instance, raise_on_error=True
            )
        (event,) = result.get_asset_materialization_events()
        metadata = event.materialization.metadata
        lineage: Any = metadata["dagster/column_lineage"].value
        assert dg.TableColumnDep(dg.AssetKey(["marts", "holdings"]), "fund") in lineage.deps_by_column["fund"]
        assert "| fund | holdings.fund |" in str(metadata["columns_from"].value).replace("&#95;", "_")
        assert str(metadata["last_rows"].value).count("\n") > 2
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("publish").execute_in_process(instance=instance, raise_on_error=True)
        tags = instance.get_run_by_id(result.run_id).tags  # type: ignore[union-attr]
    assert (tags["source"], tags["session"], tags["release"]) == ("sample", "2026-09-30", home.releases[-1])
    (ratio,) = [e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(["published", "ratio_daily"])]
    metadata = ratio.materialization.metadata
    picture = re.match(r"!\[.+\]\(data:image/png;base64,([^)]+)\)\n\n.*IWM", str(metadata["chart"].value))
    assert picture
    assert base64.b64decode(picture[1]).startswith(b"\x89PNG")
    schema: Any = metadata["dagster/column_schema"].value
    assert all(column.description for column in schema.columns)


@pytest.mark.more_runs
def test_after_a_failed_step_the_previous_release_remains_current(
    sample_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copied(sample_home, tmp_path / "home", parts=EVERYTHING)
    before = {path.name: path.read_bytes() for path in home.latest.iterdir()}

    def broken(*_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        yield from ()
        raise BuildFailed("1 dbt nodes failed: planted")

    monkeypatch.setattr(Dbt, "build", broken)
    messages: list[str] = []
    with pytest.raises(RunFailed, match="planted"):
        run_daily(home.settings(), progress=messages.append, force=True)
    assert home.releases == sample_home.releases
    assert home.latest.resolve().name == home.releases[0]
    assert {path.name: path.read_bytes() for path in home.latest.iterdir()} == before
    assert not any(line.startswith("publish") for line in messages)
