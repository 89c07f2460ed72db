"""What the commands print on, and how a command refuses."""

import os
import sys

from rich.console import Console


class _Console(Console):
    """A console whose reader may leave (`smallcap … | head`): the rest goes nowhere, and the command continues."""

    def on_broken_pipe(self) -> None:
        """Instead of ending the process in the middle of its work."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())  # what is still buffered would fail again at the end
        os.close(nowhere)


# Without a terminal the width is that of the text: nothing is folded or coloured.
output = _Console(width=None if sys.stdout.isatty() else 120)
errors = _Console(stderr=True, style="bold red", highlight=False)


class Refused(Exception):
    """The command cannot continue; the message says what happened, why, and what to do."""

    exit_code = 1


class WrongOption(Refused):
    """An option, an argument or a setting is wrong."""

    exit_code = 2


def say(text: str, style: str | None = None) -> None:
    """Print text as it is: no markup, no highlighting, no folding."""
    output.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def warn(text: str) -> None:
    """Print one sentence on stderr, so that it never mixes with an answer."""
    errors.print(text, highlight=False, markup=False, soft_wrap=True)
