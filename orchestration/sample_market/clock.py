"""The invented market's own now: 11 o'clock in New York, the day after its last final session."""

from datetime import UTC, date, datetime

LAST_SESSION = date(2026, 9, 30)
SAMPLE_CLOCK = datetime(2026, 10, 1, 15, 0, tzinfo=UTC)
