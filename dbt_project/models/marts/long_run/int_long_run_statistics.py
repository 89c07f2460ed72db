"""The statistics of the long run, by the method of the scorecard. See orchestration/evidence/."""

from typing import Any


def model(dbt: Any, session: Any) -> Any:
    """One relation."""
    dbt.config(materialized="table")
    from orchestration.evidence import dbt_models

    return dbt_models.long_run_statistics(
        session,
        dbt.ref("int_long_run_labels"),
        dbt.ref("int_long_run_returns"),
        dbt.ref("signal_parameters"),
    )
