"""The command that sends the news of a release to notification services."""

from typing import Annotated

import typer

from orchestration.cli.console import Refused, WrongOption, say
from orchestration.cli.options import DataDirOption, SourceOption, run_command, settings_from
from orchestration.cli.releases import latest


def notify(
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent; send and record nothing.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every service; record nothing.")] = False,
) -> None:
    """Send what changed in the latest release to the services in SMALLCAP_NOTIFY_URLS, each change once; every run does this."""
    from filelock import Timeout

    from orchestration.notify.ledger import NotifiedDamaged
    from orchestration.notify.sending import send_news, send_test, unsent
    from orchestration.notify.services import UnknownService

    if dry_run and test:
        raise WrongOption("Use --dry-run or --test, not both: --test sends a message.")
    settings = settings_from(source=source, data_dir=data_dir)
    addresses, ledger = settings.notify_urls.get_secret_value(), settings.notified_path
    published, run = settings.published_dir, run_command(settings)
    if not (addresses.strip() or dry_run):
        raise Refused(
            "No service is set: put its address into SMALLCAP_NOTIFY_URLS in the notation of Apprise, for example"
            " ntfy://ntfy.sh/my-topic. `smallcap notify --dry-run` prints what would be sent."
        )
    try:
        if test:
            outcome = send_test(addresses)
        elif dry_run:
            title, found = unsent(latest(published, run), ledger=ledger, daily=settings.notify_daily)
            say("\n\n".join([title, *(one.text for one in found)]) if found else "There is nothing to send.")
            return
        else:
            outcome = send_news(latest(published, run), addresses=addresses, ledger=ledger, daily=settings.notify_daily)
    except (UnknownService, NotifiedDamaged) as error:
        raise Refused(str(error)) from error
    except Timeout as error:
        raise Refused("Another process is sending notifications: wait for it to end, then try again.") from error
    for service, count in outcome.confirmed.items():
        say(f"{service}: {count} sent")
    if outcome.failures:
        problem = "Not reached" if test else "Not sent, will be retried"
        raise Refused("\n".join(f"{problem}: {failure}" for failure in outcome.failures))
    if not outcome.confirmed:
        say("There is nothing new to send.")
