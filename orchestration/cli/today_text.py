"""The reading as text for a terminal, at most 80 columns wide and 30 lines long, and as Markdown."""

import textwrap
from collections.abc import Sequence

from rich.text import Text

from orchestration.cli.console import output
from orchestration.cli.today import WINDOWS, Event, Flip, Signal, Today

WIDTH = 80
LINES = 30
_MOST_WARNINGS = 3
_SHORT = {"rate_regime": "policy rate", "cycle_phase": "cycle phase", "trend_break": "last break", "satellite": "satellite"}
_LEGEND = "value: trend gap (log points), breadth-window return, policy rate, IWM weight"
Line = Text


def print_text(today: Today, *, every_warning: bool = False) -> None:
    """Print the reading; colour only where there is a terminal."""
    for line in lines(today, every_warning=every_warning):
        output.print(line, soft_wrap=True, highlight=False)


def lines(today: Today, *, every_warning: bool = False) -> list[Line]:
    """The reading, line by line. If something does not fit, the last line of its part says how much there is more."""
    head = _head(today)
    body = [*_closes(today), Text(), *_signals(today), *_upcoming(today.upcoming)]
    warnings = _warnings(today.warnings, None if every_warning else _MOST_WARNINGS)
    left = LINES - len(head) - len(body) - len(warnings) - 1
    return [*head, *_changes(today, max(left, 2)), Text(), *body, *warnings]


def _head(today: Today) -> list[Line]:
    title = _title(today)
    release = f"release {today.release_id}"
    first = Text(f"{title:<{WIDTH - len(release)}}{release}" if len(title) + len(release) < WIDTH else title, style="dim")
    style = "bold red" if today.is_stale else "bold"
    return [first, *_wrapped(today.headline, style), *_wrapped(today.evidence or "", "")]


def _title(today: Today) -> str:
    source = "SAMPLE: simulated market" if today.source == "sample" else f"source {today.source}"
    known = f", as known at {today.known_at[:16]}" if today.known_at else ""
    return f"{today.session or 'No prices'} · {source}{known}"


def _changes(today: Today, most: int) -> list[Line]:
    """The news, shortened to `most` lines with the heading."""
    if not today.changes:
        return _wrapped(_nothing_changed(today), "")
    found = _wrapped(f"Changed since {today.changed_since}:", "bold")
    for number, change in enumerate(today.changes):
        entry = _wrapped(change["sentence"], "", first="- ", rest="  ")
        rest = len(today.changes) - number
        if len(found) + len(entry) + (rest > 1) > most:
            # A session or release that a person named is its last word; the default baseline is "the session before (…)".
            since = "" if today.changed_since.startswith("the ") else f" --since {today.changed_since.split()[-1]}"
            return [*found, Text(f"- {'and ' if number else ''}{rest} more: smallcap today{since} --markdown", style="dim")]
        found += entry
    return found


def _nothing_changed(today: Today) -> str:
    what = "No label, episode, break or member" if today.values_changed else "Nothing"
    return f"{what} changed since {today.changed_since}."


def _closes(today: Today) -> list[Line]:
    found = [_row("", ["close", *WINDOWS], "dim")]
    for close in today.closes:
        line = Text(f"{close.fund:<10}{close.close:>12,.2f}")
        for window in WINDOWS:
            line.append(_right(_signed(close.returns[window])), style=_colour(close.returns[window]))
        if today.is_stale or close.session != today.session:
            line = Text(f"{line.plain}  {close.session}", style="dim")
        found.append(line)
    return found


def _row(name: str, cells: Sequence[str], style: str) -> Line:
    return Text(f"{name:<10}" + "".join(_right(cell, 12 if place == 0 else 10) for place, cell in enumerate(cells)), style=style)


def _right(text: str, width: int = 10) -> str:
    return f"{text:>{width}}"


def _signals(today: Today) -> list[Line]:
    head = ("signal", "label", "since", "value", "flips at", "verdict")
    rows = [_cells(signal) for signal in today.signals]
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    gap = " " if sum(widths) + 2 * (len(head) - 1) > WIDTH else "  "

    def laid_out(cells: Sequence[str]) -> str:
        placed = [
            f"{cell:>{width}}" if place == 3 else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return gap.join(placed).rstrip()

    found = [Text(laid_out(head), style="dim")]
    for signal, row in zip(today.signals, rows, strict=True):
        line = Text(laid_out(row), style="dim" if today.is_stale or signal.label is None else "")
        if not today.is_stale and signal.label is not None:
            line.stylize(_LABEL_COLOURS.get(signal.label, ""), widths[0] + len(gap), widths[0] + len(gap) + widths[1])
        found.append(line)
    return [*found, Text(_LEGEND, style="dim")]


_LABEL_COLOURS = {"risk_on": "green", "risk_off": "red", "break_up": "green", "break_down": "red"}


def _cells(signal: Signal) -> tuple[str, ...]:
    name = signal.subject if signal.signal == "regime" else _SHORT.get(signal.signal, signal.signal)
    label = signal.label if signal.signal != "satellite" else _satellite(signal)
    return (
        name,
        label or "not given",
        str(signal.since or ""),
        _value(signal),
        _flip(signal.flip, signal.unit),
        signal.verdict or "",
    )


def _satellite(signal: Signal) -> str | None:
    """10.0 % IWM, mid cycle: … -> mid cycle"""
    return signal.label.partition(":")[0].partition(", ")[2] if signal.label else None


def _value(signal: Signal) -> str:
    if signal.value is None or signal.unit == "sessions":
        return ""
    if signal.unit == "fraction a year":  # policy rates move in eighths of a percent
        return f"{signal.value:.3%}"
    if signal.unit == "fraction":
        return f"{signal.value:+.1%}" if signal.signal == "breadth" else f"{signal.value:.1%}"
    return f"{signal.value:+.4f}"


def _flip(flip: Flip | None, unit: str | None) -> str:
    if flip is None:
        return ""
    if flip.iwm_close is not None and flip.ratio_change is not None:
        return f"IWM {flip.iwm_close:.2f} {flip.ratio_change:+.1%}"
    if flip.ratio_change is not None:
        return f"ratio {flip.ratio_change:+.1%}"
    if flip.distance is None:
        return ""
    return f"{flip.distance * 100:.1f} pp away" if unit == "fraction" else f"{flip.distance:.4f} away"


def _upcoming(events: Sequence[Event]) -> list[Line]:
    if not events:
        return []
    # Spaces inside an event must not be folded.
    said = " · ".join(f"{event.day:%m-%d} {event.event}".replace(" ", "\N{NO-BREAK SPACE}") for event in events)
    return [Text(line.plain.replace("\N{NO-BREAK SPACE}", " ")) for line in _wrapped(f"Next: {said}", "", rest="  ")]


def _warnings(warnings: Sequence[str], most: int | None) -> list[Line]:
    """Every warning in full, or the first few, each on one line."""
    if most is None:
        return [line for one in warnings for line in _wrapped(f"WARNING: {one}", "bold red", rest="  ")]
    shown = list(warnings) if len(warnings) <= most else list(warnings[: most - 1])
    found = [Text(textwrap.shorten(f"WARNING: {one}", WIDTH, placeholder=" …"), style="bold red") for one in shown]
    if len(shown) < len(warnings):
        found.append(Text(f"WARNING: {len(warnings) - len(shown)} more: smallcap doctor", style="bold red"))
    return found


def _wrapped(text: str, style: str, *, first: str = "", rest: str = "") -> list[Line]:
    folded = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return [Text(line, style=style) for line in folded]


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2%}"


def _colour(value: float | None) -> str:
    return "" if value is None or abs(value) < 5e-5 else "green" if value > 0 else "red"


def markdown(today: Today) -> str:
    """The reading as Markdown: for a chat, a note or a ticket."""
    closes = [
        [close.fund, f"{close.close:,.2f}", *(_signed(close.returns[window]) for window in WINDOWS), str(close.session)]
        for close in today.closes
    ]
    signals = [list(_cells(signal)) for signal in today.signals]
    parts = [
        f"{_title(today)}, release {today.release_id}",
        f"**{today.headline}**",
        today.evidence or "",
        f"Changed since {today.changed_since}:\n\n" + "\n".join(f"- {change['sentence']}" for change in today.changes)
        if today.changes
        else _nothing_changed(today),
        _table(["fund", "close", *WINDOWS, "session"], closes),
        _table(["signal", "label", "since", "value", "flips at", "verdict"], signals),
        f"{_LEGEND}.",
        "\n".join(f"- {event.day}: {event.event}" for event in today.upcoming),
        "\n".join(f"- **Warning:** {warning}" for warning in today.warnings),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    laid_out = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in laid_out)
