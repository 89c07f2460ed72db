"""Which module reads which documents. The only place that knows all vendors."""

from collections.abc import Callable

from orchestration import market_calendar
from orchestration.vendors import fred, invesco, ishares, schwab, ssga, vanguard, yahoo, yahoo_funds
from orchestration.vendors.base import Context, Parsed

Parser = Callable[[bytes, Context], Parsed]

PARSERS: dict[tuple[str, str], Parser] = {
    (market_calendar.VENDOR, market_calendar.KIND): market_calendar.parse,
    (yahoo.VENDOR, yahoo.KIND): yahoo.parse,
    (yahoo_funds.VENDOR, yahoo_funds.KIND): yahoo_funds.parse,
    (ishares.VENDOR, ishares.KIND): ishares.parse,
    (ssga.VENDOR, ssga.KIND): ssga.parse,
    (invesco.VENDOR, invesco.KIND): invesco.parse,
    (vanguard.VENDOR, vanguard.KIND): vanguard.parse,
    (schwab.VENDOR, schwab.KIND): schwab.parse,
    (fred.VENDOR, fred.KIND): fred.parse,
}
