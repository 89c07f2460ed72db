"""The statistics as dbt's Python models call them: relations in, something that DuckDB reads out."""

import duckdb
import polars as pl

from orchestration.evidence import scorecard
from orchestration.evidence.scorecard import Method
from orchestration.frames import ArrowStream, frame_of

Relation = duckdb.DuckDBPyRelation


def statistics(labels: Relation, returns: Relation, parameters: Relation, expectations: Relation) -> ArrowStream:
    """The rows of `int_scorecard_statistics`; what the guide claims is the family `claims`."""
    claims = frame_of(expectations).select("signal", "subject", "label", "target", pl.lit("claims").alias("family")).unique()
    return ArrowStream(scorecard.statistics(frame_of(labels), frame_of(returns), claims, _method(parameters)))


def long_run_statistics(labels: Relation, returns: Relation, parameters: Relation) -> ArrowStream:
    """The rows of `int_long_run_statistics`: one family, in which nothing is claimed."""
    named = frame_of(labels).rename({"series": "subject"})
    everything = (
        named.select("signal", "subject", "label").unique().join(frame_of(returns).select("target").unique(), how="cross")
    )
    claims = everything.with_columns(family=pl.lit("long_run"))
    found = scorecard.statistics(named, frame_of(returns), claims, _method(parameters))
    return ArrowStream(found.rename({"subject": "series"}))


def forecasts(labels: Relation, returns: Relation, parameters: Relation) -> ArrowStream:
    """The rows of `int_signal_forecasts`."""
    return ArrowStream(scorecard.forecasts(frame_of(labels), frame_of(returns), _method(parameters)))


def _method(parameters: Relation) -> Method:
    own = frame_of(parameters).filter(pl.col("signal") == "scorecard")
    return Method.of(dict(zip(own["parameter"].to_list(), own["value"].to_list(), strict=True)))
