"""The statistics as dbt's Python models call them: the engine's session and relations in, a relation of that engine out."""

from typing import Any

import polars as pl

from orchestration.evidence import scorecard
from orchestration.evidence.scorecard import Method
from orchestration.frames import Relation, frame_of, relation_of


def statistics(session: Any, labels: Relation, returns: Relation, parameters: Relation, expectations: Relation) -> Any:
    """The rows of `int_scorecard_statistics`; what the guide claims is the family `claims`."""
    claims = frame_of(expectations).select("signal", "subject", "label", "target", pl.lit("claims").alias("family")).unique()
    return relation_of(scorecard.statistics(frame_of(labels), frame_of(returns), claims, _method(parameters)), session)


def long_run_statistics(session: Any, labels: Relation, returns: Relation, parameters: Relation) -> Any:
    """The rows of `int_long_run_statistics`: one family, in which nothing is claimed."""
    named = frame_of(labels).rename({"series": "subject"})
    everything = (
        named.select("signal", "subject", "label").unique().join(frame_of(returns).select("target").unique(), how="cross")
    )
    claims = everything.with_columns(family=pl.lit("long_run"))
    found = scorecard.statistics(named, frame_of(returns), claims, _method(parameters))
    return relation_of(found.rename({"subject": "series"}), session)


def forecasts(session: Any, labels: Relation, returns: Relation, parameters: Relation) -> Any:
    """The rows of `int_signal_forecasts`."""
    return relation_of(scorecard.forecasts(frame_of(labels), frame_of(returns), _method(parameters)), session)


def _method(parameters: Relation) -> Method:
    own = frame_of(parameters).filter(pl.col("signal") == "scorecard")
    return Method.of(dict(zip(own["parameter"].to_list(), own["value"].to_list(), strict=True)))
