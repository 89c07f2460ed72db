"""The asset after publishing: what the release changes is told to the services of SMALLCAP_NOTIFY_URLS."""

from collections.abc import Iterator

import dagster as dg
from filelock import Timeout

from orchestration.defs.assets.groups import group
from orchestration.defs.assets.published import GROUP as PUBLISHED
from orchestration.notify.ledger import NotifiedDamaged
from orchestration.notify.services import UnknownService
from orchestration.notify.tell import tell
from orchestration.publish.release import latest_release
from orchestration.settings import Settings

GROUP = "notify"
NOTIFICATIONS = dg.AssetKey([GROUP, "notifications"])
_DELIVERED = "everything_is_confirmed"


@dg.multi_asset(
    name=GROUP,
    specs=[
        dg.AssetSpec(
            NOTIFICATIONS, group_name=group(GROUP), kinds={"apprise"}, owners=["team:data"], deps=[[PUBLISHED, "manifest"]],
            description="Flips, episodes, trend breaks, reconstitution steps and unusable data of the release, each told once to"
            " the services of SMALLCAP_NOTIFY_URLS. Without services nothing is told.",
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _DELIVERED, asset=NOTIFICATIONS, description="Every service confirmed what it was told; if not, it is told again."
        )
    ],
)  # fmt: skip
def notifications(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """Tell the services. What goes wrong is a finding of the check: the release is complete and does not depend on it."""
    release = latest_release(settings.published_dir)
    if release is None:
        raise dg.Failure("There is no release to tell about yet. Materialise published/manifest first.", allow_retries=False)
    addresses = settings.notify_urls.get_secret_value()
    confirmed: dict[str, int] = {}
    failures: list[str] = []
    if settings.known_at is None:  # a rebuild of the past is no news
        try:
            told = tell(release, addresses=addresses, ledger=settings.notified_path, daily=settings.notify_daily)
            confirmed, failures = told.confirmed, told.failures
        except (UnknownService, NotifiedDamaged, Timeout, OSError) as error:
            failures = [str(error)]
    for failure in failures:
        context.log.warning(f"Not told: {failure}")
    text = "; ".join(failures) or "every message is confirmed"
    yield dg.MaterializeResult(
        metadata={"release": release.name, "told": sum(confirmed.values()), "services": ", ".join(confirmed) or "none was told"},
        check_results=[
            dg.AssetCheckResult(check_name=_DELIVERED, passed=not failures, severity=dg.AssetCheckSeverity.WARN, description=text)
        ],
    )
