"""Small hand-made releases: directories with a few Parquet files and a manifest, to compare with each other."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

MONDAY, TUESDAY, WEDNESDAY = date(2026, 8, 10), date(2026, 8, 11), date(2026, 8, 12)
Tables = dict[str, pl.DataFrame]
MADE_OF = {
    "observations": "o1",
    "decisions": "none",
    "code": "c1",
    "engine": "duckdb",
    "session": "2026-08-11",
    "known_at": "now",
}


def tables() -> Tables:
    """Two sessions of one pair: risk_off on both, an episode, a trend break on Monday, and a snapshot of IWM."""
    sessions = [MONDAY, TUESDAY]
    return {
        "regime_daily": pl.DataFrame(
            {"pair": "IWM/SPY", "session": sessions, "trend_gap": [-0.05, -0.04], "regime": "risk_off", "params_id": "p1"}
        ),
        "ratio_daily": pl.DataFrame(
            {
                "pair": "IWM/SPY", "session": sessions, "ratio": [0.39, 0.4], "percentile": [0.1, 0.2],
                "trend_break": ["break_down", None], "params_id": "p1",
            }
        ),
        "breadth_episodes": pl.DataFrame(
            {
                "breadth": ["broad_decline"], "first_session": [date(2026, 7, 1)], "confirmed_on": [date(2026, 7, 8)],
                "last_session": [TUESDAY], "is_open": [True], "params_id": ["p1"],
            }
        ),
        "holdings_changes": pl.DataFrame(
            {
                "fund": ["IWM"] * 2, "as_of": [date(2026, 7, 31)] * 2, "security_id": ["OLD", "KEPT"],
                "previous_as_of": [date(2026, 6, 30)] * 2, "change": ["removed", "kept"], "weight_change": [-0.01, 0.0],
                "params_id": ["p1"] * 2,
            }
        ),
        "sector_comparison": pl.DataFrame(
            {
                "sector": ["Energy"], "iwm_minus_spy": [0.03], "is_comparable": [True], "iwm_as_of": [date(2026, 7, 31)],
                "spy_as_of": [date(2026, 7, 31)], "params_id": ["p1"],
            }
        ),
    }  # fmt: skip


def with_wednesday(found: Tables, *, regime: str = "risk_off", trend_gap: float = -0.03, ratio: float = 0.41) -> Tables:
    """One more session."""
    regimes = pl.DataFrame(
        {"pair": ["IWM/SPY"], "session": [WEDNESDAY], "trend_gap": [trend_gap], "regime": [regime], "params_id": ["p1"]}
    )
    ratios = pl.DataFrame(
        {
            "pair": ["IWM/SPY"], "session": [WEDNESDAY], "ratio": [ratio], "percentile": [0.2],
            "trend_break": pl.Series([None], dtype=pl.String), "params_id": ["p1"],
        }
    )  # fmt: skip
    return {**found, "regime_daily": found["regime_daily"].vstack(regimes), "ratio_daily": found["ratio_daily"].vstack(ratios)}


def write_release(root: Path, release_id: str, found: Tables, **manifest: Any) -> Path:
    """Write a release; the manifest's last session is that of the prices, other parts may be replaced."""
    directory = root / "releases" / release_id
    directory.mkdir(parents=True)
    for name, frame in found.items():
        frame.write_parquet(directory / f"{name}.parquet")
    last = found["ratio_daily"]["session"].max()
    listed = [
        {"name": name, "status": "published", "reason": None, "columns": dict.fromkeys(frame.columns, "VARCHAR")}
        for name, frame in found.items()
    ]
    said = {
        "release_id": release_id, "source": "landing", "published_at": "2026-08-12T22:00:00+00:00", "known_at": None,
        "contract_version": "2.0.0", "git_revision": "abc", "last_session": str(last), "tables": listed,
        "made_of": {**MADE_OF, "session": str(last)},
        "parameters": {"regime.threshold": {"value": 0.01, "unit": "log points", "meaning": "threshold"}},
        "quarantine": [], "freshness": [],
    }  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps({**said, **manifest}))
    return directory


def made_of(**changed: str) -> dict[str, str]:
    """The hashes of a release with some of them changed."""
    return {**MADE_OF, **changed}
