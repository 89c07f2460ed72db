"""The asset after publishing: it notifies the services of SMALLCAP_NOTIFY_URLS of what the release changes."""

from collections.abc import Iterator

import dagster as dg
from filelock import Timeout

from orchestration.defs.assets.groups import group
from orchestration.defs.assets.published import GROUP as PUBLISHED
from orchestration.notify.ledger import NotifiedDamaged
from orchestration.notify.sending import send_news
from orchestration.notify.services import UnknownService
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
            description="Flips, episodes, trend breaks, reconstitution steps and unusable data of the release, each sent once to"
            " the services of SMALLCAP_NOTIFY_URLS. Without services nothing is sent.",
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _DELIVERED, asset=NOTIFICATIONS, description="Every service confirmed its messages; the others are sent again."
        )
    ],
)  # fmt: skip
def notifications(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None]]:
    """Notify the services. What goes wrong is a finding of the check: the release is complete and does not depend on it."""
    release = latest_release(settings.published_dir)
    if release is None:
        raise dg.Failure("There is no release yet. Materialise published/manifest first.", allow_retries=False)
    addresses = settings.notify_urls.get_secret_value()
    confirmed: dict[str, int] = {}
    failures: list[str] = []
    if settings.known_at is None:  # a rebuild of the past is no news
        try:
            sent = send_news(release, addresses=addresses, ledger=settings.notified_path, daily=settings.notify_daily)
            confirmed, failures = sent.confirmed, sent.failures
        except (UnknownService, NotifiedDamaged, Timeout, OSError) as error:
            failures = [str(error)]
    for failure in failures:
        context.log.warning(f"Not sent: {failure}")
    text = "; ".join(failures) or "every message is confirmed"
    yield dg.MaterializeResult(
        metadata={"release": release.name, "sent": sum(confirmed.values()), "services": ", ".join(confirmed) or "none"},
        check_results=[
            dg.AssetCheckResult(check_name=_DELIVERED, passed=not failures, severity=dg.AssetCheckSeverity.WARN, description=text)
        ],
    )
