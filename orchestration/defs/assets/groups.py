"""Asset groups, numbered so that the UI, which sorts by name, lists them along the data's way."""

_ALONG_THE_WAY = (
    "landing", "raw", "seeds", "staging", "intermediate", "holdings", "signals", "rates", "calendar", "long_run",
    "portfolio", "funds", "audit", "published",
)  # fmt: skip


def group(name: str) -> str:
    """The group as Dagster knows it, such as `01_landing`.

    Raises:
        ValueError: nobody has said where it stands.
    """
    return f"{_ALONG_THE_WAY.index(name) + 1:02d}_{name}"
