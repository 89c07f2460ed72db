"""dbt's own tests: the rules on small invented rows, the data on the sample."""

from pathlib import Path

import pytest

from orchestration.warehouse import dbt_build as transform
from tests.pipeline.homes import Home, copied


@pytest.mark.parametrize("kind", ["unit", "data"])
def test_every_dbt_test_passes(sample_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("SMALLCAP_WAREHOUSE", "")  # put back afterwards
    home = copied(sample_home, tmp_path / "home")
    result = transform._invoke(home.settings(), ["test", "--select", f"test_type:{kind}"], [])
    assert result.exception is None
    results = [one for one in result.result if one.node.resource_type != "operation"]  # type: ignore[union-attr]
    assert [(one.node.name, one.message) for one in results if one.status != "pass"] == []
    assert len(results) >= (5 if kind == "unit" else 50)
