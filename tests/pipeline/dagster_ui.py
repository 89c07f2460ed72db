"""The UI as started by `smallcap ui`, used over HTTP, and killed with all its processes."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.pipeline.homes import SMALLCAP, environment

PATIENCE = 180.0
_LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""


def until(what: str, found: Callable[[], Any]) -> Any:
    """Repeat a call until it returns a result.

    Raises:
        TimeoutError: no result in time.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not happen within {PATIENCE} s")


class Ui:
    """One open UI."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self._port, self._log = process, port, log

    def ask(self, query: str, **variables: Any) -> dict[str, Any] | None:
        """The data of a GraphQL answer, None while the server is not listening."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/graphql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                data: dict[str, Any] | None = json.load(answer).get("data")
                return data
        except OSError:
            assert self.process.poll() is None, self._log.read_text()
            return None

    def is_ready(self) -> bool:
        """Whether the code location has loaded."""
        data = self.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }")
        return bool(data and data["repositoriesOrError"].get("nodes"))

    def launch(self, job: str, **tags: str) -> str:
        """Start a job and return the id of its run."""
        selector = {"repositoryLocationName": "small_cap_signal", "repositoryName": "__repository__", "jobName": job}
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        data = self.ask(_LAUNCH, params={"selector": selector, "runConfigData": {}, "executionMetadata": metadata})
        assert data is not None
        assert data["launchRun"]["__typename"] == "LaunchRunSuccess", data
        run_id: str = data["launchRun"]["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        """STARTED, QUEUED, FAILURE, SUCCESS and the like."""
        data = self.ask("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
        return str(data["runOrError"]["status"]) if data else ""

    def kill(self) -> None:
        """Kill all processes at once, like a power failure."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


@contextmanager
def open_ui(home: Path, cwd: Path, **variables: str) -> Iterator[Ui]:
    """`smallcap ui` in its own process group, ready for requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = cwd / f"ui-{port}.log"
    command = [str(SMALLCAP), "ui", "--source", "sample", "--data-dir", str(home), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment(**variables), stdout=output, stderr=output, start_new_session=True
        )
    ui = Ui(process, port, log)
    try:
        until("the UI answering", ui.is_ready)
        yield ui
    finally:
        if process.poll() is None:
            ui.kill()
