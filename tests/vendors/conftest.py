"""The local vendor, and no way out to the real ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings, Source
from orchestration.vendors.registry import ADDRESSES
from tests.vendors.server import VendorServer

# Port 9 discards: what yfinance asks of its fixed https addresses fails at once.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """yfinance asks fixed https addresses for a cookie: they are out of reach, on every machine."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[VendorServer]:
    """A vendor that answers 404 until told otherwise."""
    vendor = VendorServer()
    vendor.start()
    yield vendor
    vendor.stop()


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[..., Settings]:
    """Settings whose vendors all live at one local address."""

    def build(vendor: VendorServer, **changes: object) -> Settings:
        addresses = dict.fromkeys(ADDRESSES, vendor.url)
        quick = {"fetch_timeout_seconds": 10.0, "fetch_attempts": 3, "fetch_pause_seconds": 0.01}
        return Settings(**{"source": Source.live, "data_dir": tmp_path / "data", "vendor_urls": addresses, **quick, **changes})

    return build
