"""Settings of a run: one typed object, filled from `SMALLCAP_…` variables and the command line.

Nothing else in the project reads the environment.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, TypeAdapter, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGE_DIR = Path(__file__).resolve().parent
# A wheel contains the dbt project and workspace.yaml in this folder of the package; in a checkout they are beside the package.
_IN_WHEEL = PACKAGE_DIR / "project"
PROJECT_ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else PACKAGE_DIR.parent
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
SEEDS_DIR = DBT_PROJECT_DIR / "seeds"


def _checked_url(text: str) -> str:
    return str(TypeAdapter(HttpUrl).validate_python(text)).rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_checked_url)]


class Source(StrEnum):
    """Where documents come from; each source has its own data directory."""

    sample = "sample"
    live = "live"
    landing = "landing"


class EngineName(StrEnum):
    """What runs dbt's models."""

    duckdb = "duckdb"
    spark = "spark"


# The sample market's clock: 11:00 in New York, the day after its last final session.
SAMPLE_LAST_SESSION = date(2026, 9, 30)
SAMPLE_CLOCK = datetime(2026, 10, 1, 15, 0, tzinfo=UTC)
# The first session of SPY, the oldest fund.
FIRST_KNOWN_AT = datetime(1993, 1, 29, tzinfo=UTC)


def _now(source: Source) -> datetime:
    return SAMPLE_CLOCK if source is Source.sample else datetime.now(UTC)


@dataclass(frozen=True)
class FetchLimits:
    """Limits of the requests for one document; times in seconds."""

    timeout_seconds: float
    attempts: int
    pause_seconds: float
    budget_seconds: float
    # Before the first retry; None: as long as the pause.
    backoff_seconds: float | None = None


class Settings(BaseSettings):
    """Every setting, each an environment variable with the prefix `SMALLCAP_`."""

    model_config = SettingsConfigDict(env_prefix="SMALLCAP_", env_nested_delimiter="__", frozen=True, extra="ignore")

    source: Source = Field(
        Source.sample, description="sample: simulated market; live: fetch from vendors; landing: read an existing folder"
    )
    data_dir: Path | None = Field(None, description="directory for everything a run writes; default: data/<source>")
    landing_dir: Path | None = Field(None, description="additional folder of documents; read, never written to")
    known_at: datetime | None = Field(None, description="rebuild all tables as known at this time (UTC)")

    engine: EngineName = Field(
        EngineName.duckdb, description="duckdb; spark: run dbt's models on Spark, for data beyond one machine (docs/SCALING.md)"
    )
    spark_settings: dict[str, str] = Field(
        default_factory=dict, description='settings of Spark beside those of the project, as JSON: {"spark.master": "local[8]"}'
    )
    rebuilding: bool = Field(False, description="build a new warehouse next to the current one; set by `smallcap rebuild`")
    keep_releases: int = Field(5, ge=2, description="number of releases kept on disk")
    writer_wait_seconds: float = Field(10.0, ge=0, description="time to wait for another run to finish, in seconds")

    memory_limit: str | None = Field(
        None,
        pattern=r"^[1-9][0-9]*[KMGT]i?B$",
        description="memory that DuckDB may use, such as 1GB; beyond this limit DuckDB uses the disk; with Spark also its heap",
    )
    ui_details: bool = Field(False, description="add chart images and column lineage to the run history, for the UI")

    fetch_timeout_seconds: float = Field(30.0, gt=0, description="limit of one request, from connect to last byte, in seconds")
    fetch_attempts: int = Field(3, ge=1, description="attempts per document, with increasing pauses")
    fetch_pause_seconds: float = Field(1.0, ge=0, description="minimum pause between two requests to one vendor, in seconds")
    fetch_budget_seconds: float = Field(120.0, gt=0, description="time limit for one document, retries included, in seconds")

    member_prices: bool = Field(False, description="on: fetch the prices of the universes' members, some thousand requests a day")
    member_prices_since: date = Field(date(2015, 1, 1), description="first day of a member's history")
    member_prices_pause_seconds: float = Field(
        0.2, ge=0.2, description="minimum pause between two requests for a member's prices, in seconds"
    )
    member_prices_backoff_seconds: float = Field(
        10.0, ge=0, description="seconds before a request for a member's prices is repeated; doubled each time, up to 30"
    )
    market_caps: bool = Field(
        False,
        description="on: fetch the market capitalisation of every US-listed stock of 20 million dollars or more, some twenty"
        " requests a run",
    )

    option_days: int = Field(
        1100, ge=0, description="fetch options that expire within this many days, one request per expiration; 0: only the first"
    )

    vendor_urls: dict[str, BaseUrl] = Field(
        default_factory=dict, description="replacement address of a vendor, by name: SMALLCAP_VENDOR_URLS__FRED=https://…"
    )

    notify_urls: SecretStr = Field(
        SecretStr(""), description="addresses of notification services in the notation of Apprise, separated by spaces; secret"
    )
    notify_daily: bool = Field(False, description="also send a summary of each session's reading")

    @field_validator("known_at")
    @classmethod
    def _known_at_in_utc(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is None:
            return None
        now = _now(info.data.get("source", Source.sample))
        if FIRST_KNOWN_AT.year <= value.year <= now.year:  # time zones cannot be converted in the years 1 and 9999
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            if FIRST_KNOWN_AT <= moment <= now:
                return moment
        raise ValueError(f"use YYYY-MM-DD between {FIRST_KNOWN_AT:%Y-%m-%d} and {now:%Y-%m-%d}")

    @property
    def home(self) -> Path:
        """The absolute data directory. `known_at` has its own, so that it never replaces the current data."""
        if self.data_dir is not None:
            return self.data_dir.resolve()
        known_at_name = f"known-at-{self.known_at:%Y-%m-%dT%H%M%SZ}" if self.known_at else ""
        return (Path("data") / self.source.value / known_at_name).resolve()

    @property
    def warehouse_path(self) -> Path:
        """The writer's DuckDB file. A rebuilt one has the same file name, because its views contain it."""
        return (self.rebuild_dir if self.rebuilding else self.home) / "warehouse.duckdb"

    @property
    def rebuild_dir(self) -> Path:
        """Where a rebuild builds the new warehouse before it replaces the current one."""
        return self.home / "rebuild"

    @property
    def own_landing_dir(self) -> Path:
        """Where this run writes documents that it fetched or simulated."""
        return self.home / "landing"

    @property
    def landing_dirs(self) -> list[Path]:
        """Every landing folder of this warehouse."""
        current = self.home.parent / "landing" if self.known_at and self.data_dir is None else None
        folders = [self.own_landing_dir, current, self.landing_dir]
        return [folder.resolve() for folder in folders if folder is not None and folder.is_dir()]

    @property
    def decisions_path(self) -> Path:
        """A person's decisions about documents; with `known_at`, those of the current data directory."""
        return (self.home.parent if self.known_at and self.data_dir is None else self.home) / "decisions.jsonl"

    @property
    def notified_path(self) -> Path:
        """The messages of `smallcap notify` and which service confirmed them."""
        return self.home / "notified.jsonl"

    @property
    def diary_path(self) -> Path:
        """What the first release of each session said; append-only, and not part of a rebuild."""
        return self.home / "diary.jsonl"

    def as_environment(self) -> dict[str, str]:
        """The settings that differ from their defaults, as environment variables for another process.

        Without secrets, which are no options of a command: the other process inherits their variables.
        """
        given = self.model_dump(mode="json", exclude_defaults=True, exclude={"notify_urls"})
        return {
            f"SMALLCAP_{name.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in given.items()
        }

    @property
    def fetch_limits(self) -> FetchLimits:
        """The limits of the requests for one document."""
        return FetchLimits(self.fetch_timeout_seconds, self.fetch_attempts, self.fetch_pause_seconds, self.fetch_budget_seconds)

    @property
    def member_limits(self) -> FetchLimits:
        """The limits of the requests for one member's prices."""
        pause, backoff = self.member_prices_pause_seconds, self.member_prices_backoff_seconds
        return replace(self.fetch_limits, pause_seconds=pause, backoff_seconds=backoff)

    @property
    def published_dir(self) -> Path:
        """Releases and the `latest` link."""
        return self.home / "published"

    @property
    def report_scripts_dir(self) -> Path:
        """The report's JavaScript bundle, kept between releases."""
        return self.home / "report"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage: run history and schedules."""
        return self.home / "dagster"

    @property
    def dbt_target_dir(self) -> Path:
        """dbt's manifest and compiled SQL, which are the engine's own."""
        return self.home / ("dbt" if self.engine is EngineName.duckdb else f"dbt-{self.engine}")

    @property
    def lake_dir(self) -> Path:
        """Raw tables and models as Parquet, for Spark."""
        return (self.rebuild_dir if self.rebuilding else self.home) / "lake"

    @property
    def fetches(self) -> bool:
        """Whether this run fetches from vendors; `known_at` and a rebuild use existing documents only."""
        return self.source is Source.live and self.known_at is None and not self.rebuilding

    @property
    def clock(self) -> datetime:
        """The current time in UTC; the sample market has a fixed clock, so that its results do not depend on the day."""
        return _now(self.source)

    @property
    def today(self) -> date:
        """The clock's date in UTC."""
        return self.clock.date()
