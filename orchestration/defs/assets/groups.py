"""Asset groups, numbered so that the UI, which sorts by name, lists them in the order of the data flow."""

_DATA_FLOW_ORDER = (
    "landing", "raw", "seeds", "staging", "intermediate", "holdings", "members", "signals", "rates", "calendar", "long_run",
    "portfolio", "funds", "audit", "published", "notify",
)  # fmt: skip


def group(name: str) -> str:
    """The name of the group in Dagster, such as `01_landing`.

    Raises:
        ValueError: the group is not in the list.
    """
    return f"{_DATA_FLOW_ORDER.index(name) + 1:02d}_{name}"
