"""The list of feeds. A new vendor adds one line here."""

from orchestration.vendors import fred, french, invesco, ishares, schwab, ssga, vanguard, xnys
from orchestration.vendors.feed import Feed
from orchestration.vendors.yahoo import fund_data, member_prices, prices, quotes, screener

CALENDAR = xnys.FEED
FEEDS: tuple[Feed, ...] = (
    prices.FEED,
    fund_data.FEED,
    member_prices.FEED,
    screener.FEED,
    quotes.FEED,
    ishares.FEED,
    ssga.FEED,
    invesco.FEED,
    vanguard.FEED,
    schwab.FEED,
    fred.FEED,
    french.FEED,
)
BY_PLACE: dict[tuple[str, str], Feed] = {(feed.vendor, feed.kind): feed for feed in (CALENDAR, *FEEDS)}
ADDRESSES: dict[str, str] = {feed.vendor: feed.address for feed in FEEDS if feed.address}


def address(vendor: str, replaced: dict[str, str]) -> str:
    """A vendor's base address.

    Args:
        replaced: replacement addresses by vendor, from the settings.

    Raises:
        ValueError: an address is given for an unknown vendor or one without an address.
    """
    unknown = replaced.keys() - ADDRESSES.keys()
    if unknown:
        raise ValueError(f"Invalid SMALLCAP_VENDOR_URLS: unknown vendor {min(unknown)!r}. Use one of {', '.join(ADDRESSES)}.")
    return replaced.get(vendor, ADDRESSES[vendor])
