"""A local vendor server, and no access to the real vendors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings, Source
from orchestration.vendors import http
from orchestration.vendors.registry import ADDRESSES
from tests.vendors.server import VendorServer

# Port 9 (discard): requests of yfinance to its fixed https addresses fail at once.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """yfinance requests a cookie from fixed https addresses; block them on every machine."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def nothing_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request of another test delays the first one."""
    monkeypatch.setattr(http, "_last_sent", {})


@pytest.fixture
def server() -> Iterator[VendorServer]:
    """A vendor that answers 404 until a test sets other replies."""
    vendor = VendorServer()
    vendor.start()
    yield vendor
    vendor.stop()


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[..., Settings]:
    """Settings in which every vendor has the same local address."""

    def build(vendor: VendorServer, **changes: object) -> Settings:
        addresses = dict.fromkeys(ADDRESSES, vendor.url)
        quick = {"fetch_timeout_seconds": 10.0, "fetch_attempts": 3, "fetch_pause_seconds": 0.01}
        return Settings(**{"source": Source.live, "data_dir": tmp_path / "data", "vendor_urls": addresses, **quick, **changes})

    return build
