"""The command that takes over prices which a person has."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import Refused, WrongOption, say, warn
from orchestration.cli.options import DataDirOption, SourceOption, settings_from
from orchestration.settings import SEEDS_DIR, Settings, Source

_NAMED = 10


def import_prices(
    path: Annotated[
        Path,
        typer.Argument(help="A Parquet or CSV file with a symbol column, or a folder with one CSV or Parquet file per symbol."),
    ],
    universe: Annotated[str, typer.Option(help="The universe whose members these are (seeds/universes.csv), for example IWM.")],
    source: SourceOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Copy the daily bars of index members into landing; they count from the next run.

    Prices must be split-adjusted and not adjusted for dividends.
    """
    from orchestration.landing.collect import Landing
    from orchestration.landing.import_prices import NothingToImport
    from orchestration.landing.import_prices import import_prices as write_documents

    settings = settings_from(source=source, data_dir=data_dir)
    if settings.source is Source.sample:
        raise Refused("The sample market has its own prices: use --source live or --source landing.")
    known = _universes()
    if universe not in known:
        raise WrongOption(
            f"Invalid --universe {universe!r}: use one of {', '.join(known)}, or add a line to seeds/universes.csv."
        )
    try:
        done = write_documents(path, Landing(settings.own_landing_dir, [settings.own_landing_dir], settings.clock))
    except NothingToImport as error:
        raise Refused(str(error)) from error
    say(f"{done.bars:,} bars of {len(done.symbols):,} symbols, in {done.documents} documents below {settings.own_landing_dir}.")
    if done.present:
        say(f"{done.present} of the documents were there already.")
    _say_coverage(settings, universe, done.symbols)


def _universes() -> list[str]:
    import polars as pl

    return pl.read_csv(SEEDS_DIR / "universes.csv")["universe"].unique(maintain_order=True).to_list()


def _say_coverage(settings: Settings, universe: str, symbols: list[str]) -> None:
    """How many members of the newest snapshot have bars, if a run has determined the members."""
    from orchestration.warehouse.connection import Warehouse, WarehouseUnusable

    if not settings.warehouse_path.exists():
        say(f"The next run determines the members of {universe}.")
        return
    question = (
        "select distinct ticker from intermediate.int_universe_members where universe = $1 and ticker is not null and as_of ="
        " (select max(as_of) from intermediate.int_universe_members where universe = $1)"
    )
    there = "select 1 from duckdb_tables() where schema_name = 'intermediate' and table_name = 'int_universe_members'"
    try:
        with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
            members = connection.execute(question, [universe]).fetchall() if connection.execute(there).fetchall() else []
    except WarehouseUnusable as error:
        warn(str(error))
        return
    if not members:
        say(f"The next run determines the members of {universe}.")
        return
    known = {symbol.replace("-", "").replace(".", "").replace("/", "").replace(" ", "") for symbol in symbols}
    missing = sorted(ticker for (ticker,) in members if ticker not in known)
    say(f"{len(members) - len(missing):,} of {len(members):,} members of {universe} have bars in this import.")
    if missing:
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        say(f"Without: {', '.join(missing[:_NAMED])}{more}.")
