"""What the commands print on, and how a command refuses."""

import sys

from rich.console import Console

# Without a terminal the width is that of the text: nothing is folded or coloured.
output = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True, style="bold red", highlight=False)


class Refused(Exception):
    """The command cannot continue; the message says what happened, why, and what to do."""


def say(text: str, style: str | None = None) -> None:
    """Print text as it is: no markup, no highlighting, no folding."""
    output.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print one sentence on stderr, so that it never mixes with an answer."""
    errors.print(text, highlight=False, markup=False, soft_wrap=True)
