"""The labels of one signal on its sessions, and the forward returns on the same sessions, as arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Label:
    """The sessions of one label within its signal's history, as half-open ranges of positions.

    Attributes:
        starts, ends: one entry per spell, in time order.
        cycles: the rate cycle of each spell, -1 where the signal is not made of rates.
    """

    name: str
    starts: Integers
    ends: Integers
    cycles: Integers

    @property
    def sessions(self) -> int:
        """Sessions with the label."""
        return int((self.ends - self.starts).sum())

    def indicator(self, length: int) -> Flags:
        """Whether each session of the history has the label."""
        marks = np.zeros(length + 1, dtype=np.int64)
        np.add.at(marks, self.starts, 1)
        np.add.at(marks, self.ends, -1)
        return np.asarray(marks[:-1].cumsum() > 0)

    def cluster_starts(self, horizon: int) -> Integers:
        """The first session of each cluster. Spells of one rate cycle, or closer than a horizon, are one cluster: what followed
        them is not independent."""
        apart = (self.starts[1:] - self.ends[:-1]) >= horizon
        other_cycle = (self.cycles[1:] != self.cycles[:-1]) | (self.cycles[1:] < 0)
        begins: Integers = self.starts[np.concatenate([[True], apart & other_cycle])]
        return begins


@dataclass(frozen=True)
class History:
    """One signal's history: consecutive sessions from its first label to its last, and its labels there."""

    signal: str
    subject: str
    first_no: int
    length: int
    labels: tuple[Label, ...]

    @cached_property
    def codes(self) -> Integers:
        """The position of each session's label in `labels`, -1 where it has none."""
        found = np.full(self.length, -1, dtype=np.int64)
        for code, label in enumerate(self.labels):
            found[label.indicator(self.length)] = code
        return found


@dataclass(frozen=True)
class Returns:
    """Forward returns of one target at one horizon by session number; NaN where they are not known."""

    target: str
    horizon: int
    first_no: int
    values: Floats

    def over(self, history: History) -> Floats:
        """The returns on the sessions of a history."""
        start = history.first_no - self.first_no
        found = np.full(history.length, np.nan)
        inside = slice(max(start, 0), max(start + history.length, 0))
        known = self.values[inside]
        offset = max(-start, 0)
        found[offset : offset + known.size] = known
        return found


def histories(labels: pl.DataFrame) -> Iterator[History]:
    """Each signal's history.

    Args:
        labels: signal, subject, session_no, label (NULL on sessions between labels), spell_no, cycle_no (may be NULL); one row
            per signal, subject and session.
    """
    for (signal, subject), rows in labels.sort("session_no").group_by("signal", "subject", maintain_order=True):
        first, last = int(rows["session_no"][0]), int(rows["session_no"][-1])
        spells = (
            rows.filter(pl.col("label").is_not_null())
            .group_by("label", "spell_no", maintain_order=True)
            .agg(
                start=pl.col("session_no").min() - first,
                end=pl.col("session_no").max() - first + 1,
                cycle=pl.col("cycle_no").first(),
            )
            .sort("label", "start")
        )
        yield History(
            signal=str(signal),
            subject=str(subject),
            first_no=first,
            length=last - first + 1,
            labels=tuple(
                Label(
                    str(name),
                    own["start"].cast(pl.Int64).to_numpy(),
                    own["end"].cast(pl.Int64).to_numpy(),
                    own["cycle"].cast(pl.Int64).fill_null(-1).to_numpy(),
                )
                for (name,), own in spells.group_by("label", maintain_order=True)
            ),
        )


def all_returns(returns: pl.DataFrame) -> list[Returns]:
    """The forward returns by target and horizon.

    Args:
        returns: target, horizon, session_no, forward_return (NULL where it is not known).
    """
    found = []
    for (target, horizon), rows in returns.group_by("target", "horizon", maintain_order=True):
        first, last = int(rows["session_no"].min()), int(rows["session_no"].max())  # type: ignore[arg-type]
        values = np.full(last - first + 1, np.nan)
        values[rows["session_no"].to_numpy() - first] = rows["forward_return"].cast(pl.Float64).fill_null(np.nan).to_numpy()
        found.append(Returns(str(target), int(horizon), first, values))
    return sorted(found, key=lambda one: (one.target, one.horizon))
