"""A table of a paper with our figures beside the published ones: plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A mean (mostly of accuracy, over episodes) and half the width of its 95 % interval, in percent.

    A single value has no interval: None.
    """

    accuracy: float
    ci95: float | None

    def in_words(self) -> str:
        """`92.1 ± 0.4`; `92.1` where there is no interval."""
        return f"{self.accuracy:.1f}" + ("" if self.ci95 is None else f" ± {self.ci95:.1f}")


@dataclass(frozen=True)
class Cell:
    """Ours and the paper's, in percent, each None where there is none."""

    measured: Figure | None
    paper: float | None


@dataclass(frozen=True)
class Block:
    """Columns under one heading; `cells` has one tuple a row of the table."""

    heading: str
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Table:
    """A table of a paper with ours in it. `measure`: what the figures are; `notes`: what to know when comparing."""

    name: str
    title: str
    corner: str
    rows: tuple[str, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
    measure: str = "accuracy in %, ± CI95"
