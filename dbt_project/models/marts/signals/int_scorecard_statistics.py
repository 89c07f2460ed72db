"""The statistics of the scorecard. Python, because SQL would need a row for every label and shift. See orchestration/evidence/."""

from typing import Any


def model(dbt: Any, session: Any) -> Any:
    """One relation."""
    dbt.config(materialized="table")
    from orchestration.evidence import dbt_models

    return dbt_models.statistics(
        session,
        dbt.ref("int_signal_labels"),
        dbt.ref("int_forward_returns"),
        dbt.ref("signal_parameters"),
        dbt.ref("guide_expectations"),
    )
