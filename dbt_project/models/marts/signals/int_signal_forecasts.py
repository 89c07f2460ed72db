"""Out-of-sample forecasts by label. See orchestration/evidence/."""

from typing import Any


def model(dbt: Any, session: Any) -> Any:
    """One relation."""
    dbt.config(materialized="table")
    from orchestration.evidence import dbt_models

    return dbt_models.forecasts(
        session,
        dbt.ref("int_signal_labels"),
        dbt.ref("int_forward_returns"),
        dbt.ref("signal_parameters"),
    )
