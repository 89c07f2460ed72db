"""Data directories shared by the tests of this folder and by all workers, built in the background.

A run takes half a minute of one core: the directories of all selected tests are started at the beginning.
"""

import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from orchestration.files import write_atomically
from tests.conftest import SHARED
from tests.pipeline import homes
from tests.pipeline.homes import EVERYTHING, Home
from tests.pipeline.killing import KilledRuns, kill_three_times
from tests.pipeline.live_market import LiveRuns, run_live_twice

Build = Callable[[], object]
WORKSHOP = pytest.StashKey["Workshop"]()


class Workshop:
    """Builds each directory once for all workers, in the order of the recipes; a worker takes what no other is building.

    Args:
        root: shared by the workers; it has a lock and the result of each recipe.
    """

    def __init__(self, root: Path, recipes: dict[str, Build]) -> None:
        self._root = root
        self._recipes = recipes
        self._pool = ThreadPoolExecutor(max_workers=1)

    def open(self, wanted: set[str]) -> None:
        """Build all required directories in the background."""
        for name in self._recipes:
            if name in wanted:
                self._pool.submit(self._build_if_free, name)

    def take(self, name: str) -> object:
        """The result of a recipe; wait for it if it is being built."""
        with FileLock(self._root / f"{name}.lock"):
            return self._result(name)

    def home(self, name: str) -> Home:
        """The directory of a recipe whose run succeeded."""
        home = self.take(name)
        assert isinstance(home, Home)
        assert home.code == 0, home.out + home.err
        return home

    def close(self) -> None:
        """Wait for the directory that is being built."""
        self._pool.shutdown(cancel_futures=True)

    def _build_if_free(self, name: str) -> None:
        with suppress(Timeout), FileLock(self._root / f"{name}.lock", blocking=False):
            self._result(name)

    def _result(self, name: str) -> object:
        done = self._root / f"{name}.pickle"
        if not done.exists():
            result = self._recipes[name]()
            write_atomically(done, pickle.dumps(result))
        return pickle.loads(done.read_bytes())


BUILT_LAST = (
    "real_home", "long_run_home", "live_homes", "second_run", "faulty_home", "recovered_home", "home_with_ijr", "killed_home",
)  # fmt: skip
# First among those that need the same directory: else one worker ends long before the other.
LONGEST = ("test_report_in_browser.py", "test_dbt.py", "test_constituent_breadth.py", "test_withheld.py")
# The lines shown in docs/ARCHITECTURE.md.
IJR = "IJR,iShares Core S&P Small-Cap ETF,BlackRock (iShares),S&P SmallCap 600,compared,2000-05-22,ishares,239774,IJR,580,35,750"
IJR_UNIVERSE = "IJR,IJR,1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that need a directory after those that need none, in the order in which directories are built, and mark those
    that need more than the sample's."""

    def turn(item: pytest.Item) -> int:
        return max((BUILT_LAST.index(name) + 1 for name in getattr(item, "fixturenames", ()) if name in BUILT_LAST), default=0)

    for item in items:
        if not set(BUILT_LAST).isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.more_runs)

    def place(item: pytest.Item) -> tuple[int, bool]:
        return (turn(item) + 1, item.path.name not in LONGEST) if item.path.parent == Path(__file__).parent else (0, False)

    items.sort(key=place)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the directories of the selected tests, before the first test."""
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "workshop" not in wanted or session.config.option.collectonly:
        return
    base: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    root = (base.parent if hasattr(session.config, "workerinput") else base) / "pipeline"  # workers have folders of their own
    session.config.stash[WORKSHOP] = shop = make_workshop(root)
    shop.open(wanted)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for the directory that is being built."""
    if shop := session.config.stash.get(WORKSHOP, None):
        shop.close()


def make_workshop(root: Path) -> Workshop:
    """The recipes of all directories, which are built below `root`."""
    elsewhere = root / "elsewhere"
    elsewhere.mkdir(parents=True, exist_ok=True)

    def again() -> Home:
        copy = homes.copied(shop.home("sample_home"), root / "again", parts=EVERYTHING)
        return homes.run(copy.path, "sample", "--force", cwd=elsewhere)

    def faulty() -> Home:
        return homes.run_with_faults(root / "faulty", shop.home("sample_home"))

    def recovered() -> Home:
        return homes.run_with_damaged_caches(root / "recovered", shop.home("faulty_home"), cwd=elsewhere)

    def parsed(name: str) -> Path:
        """A new directory with the parsed project of the sample's: parsing takes a third of a run on small data."""
        return homes.copied(shop.home("sample_home"), root / name, parts=("dbt",)).path

    def real() -> Home | None:
        landing = SHARED / "landing"
        return homes.run(parsed("real"), "landing", "--landing-dir", landing, cwd=elsewhere) if landing.is_dir() else None

    def long_run() -> Home | None:
        folders = [SHARED / "landing", SHARED / "longrun"]
        if not all(folder.is_dir() for folder in folders):
            return None
        for folder in folders:
            shutil.copytree(folder, root / "long_run_landing", dirs_exist_ok=True, copy_function=shutil.copyfile)
        return homes.run(parsed("long_run"), "landing", "--landing-dir", root / "long_run_landing", cwd=elsewhere)

    recipes: dict[str, Build] = {
        "sample_home": lambda: homes.run(root / "sample", "sample", cwd=elsewhere),
        "real_home": real,
        "long_run_home": long_run,
        "killed_home": lambda: kill_three_times(root / "killed", elsewhere),
        "live_homes": lambda: run_live_twice(parsed("live"), root / "live_down", elsewhere),
        "second_run": again,
        "faulty_home": faulty,
        "recovered_home": recovered,
        "home_with_ijr": lambda: homes.run_with_more_lines(
            parsed("ijr"), root / "ijr_project", funds=IJR, universes=IJR_UNIVERSE
        ),
    }
    shop = Workshop(root, recipes)
    return shop


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest) -> Workshop:
    """The directories, which are being built since the tests were collected."""
    return request.config.stash[WORKSHOP]


@pytest.fixture(scope="session")
def sample_home(workshop: Workshop) -> Home:
    """The sample market after one run from another folder."""
    return workshop.home("sample_home")


@pytest.fixture(scope="session")
def real_home(real_landing: Path, workshop: Workshop) -> Home:
    """The real documents after one run."""
    return workshop.home("real_home")


@pytest.fixture(scope="session")
def long_run_home(real_landing: Path, real_longrun: Path, workshop: Workshop) -> Home:
    """The real documents and the real long histories after one run."""
    return workshop.home("long_run_home")


@pytest.fixture(scope="session")
def second_run(workshop: Workshop) -> Home:
    """A copy of the sample's directory after a second run."""
    return workshop.home("second_run")


@pytest.fixture(scope="session")
def faulty_home(workshop: Workshop) -> Home:
    """A copy of the sample's directory after a run with faults in the project."""
    return workshop.home("faulty_home")


@pytest.fixture(scope="session")
def recovered_home(workshop: Workshop) -> Home:
    """That directory in an unusual path and with damaged caches, after a run without the faults."""
    return workshop.home("recovered_home")


@pytest.fixture(scope="session")
def home_with_ijr(workshop: Workshop) -> Home:
    """The sample market with one more line in seeds/funds.csv and in seeds/universes.csv."""
    return workshop.home("home_with_ijr")


@pytest.fixture(scope="session")
def killed_home(workshop: Workshop) -> KilledRuns:
    """A directory after three killed runs and one complete run."""
    killed = workshop.take("killed_home")
    assert isinstance(killed, KilledRuns)
    return killed


@pytest.fixture(scope="session")
def live_homes(workshop: Workshop) -> LiveRuns:
    """Two runs against local vendors, one of which is down the second time."""
    live = workshop.take("live_homes")
    assert isinstance(live, LiveRuns)
    return live
