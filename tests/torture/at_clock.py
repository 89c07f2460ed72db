"""One run of the landing source with a given clock: `python -m tests.torture.at_clock MOMENT LANDING HOME`."""

import sys
from datetime import datetime
from pathlib import Path

from orchestration.defs.runner import RunFailed, run_daily
from orchestration.settings import Settings, Source


def main() -> int:
    """Run the command and return its exit code."""
    moment, landing, home = datetime.fromisoformat(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    Settings.clock = property(lambda _: moment)  # type: ignore[assignment]
    try:
        run_daily(Settings(source=Source.landing, landing_dir=landing, data_dir=home), progress=print)
    except RunFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
