"""The log of a training: `log.csv`, and TensorBoard's files where its package is installed."""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CSV, TENSORBOARD = "log.csv", "tensorboard"


class RunLog:
    """Use as a context manager. What an earlier run logged after `step` is dropped: it will be done again."""

    def __init__(self, run_folder: Path, columns: tuple[str, ...], step: int) -> None:
        self._columns = ("split", "step", *columns)
        path = run_folder / CSV
        rows = self._kept(path, step)
        part = path.with_name(f".{CSV}")
        with part.open("w", newline="", encoding="utf-8") as file:
            _writer(file, self._columns).writerows(rows)
        part.replace(path)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, self._columns)
        self._board = _tensorboard(run_folder / TENSORBOARD, step)

    @property
    def has_tensorboard(self) -> bool:
        return self._board is not None

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()

    def write(self, split: str, step: int, values: Mapping[str, float | str]) -> None:
        """One row; figures also as a curve "split/column"."""
        told = {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in values.items()}
        self._writer.writerow({"split": split, "step": step} | told)
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                if not isinstance(value, str):
                    self._board.add_scalar(f"{split}/{name}", value, step)
            self._board.flush()

    def _kept(self, path: Path, step: int) -> list[dict[str, str]]:
        """Earlier rows up to `step`; a last line that was cut off by a kill is not among them."""
        if step == 0 or not path.is_file():
            return []
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if None not in row.values() and None not in row]
        # an earlier version may have logged fewer columns
        return [row for row in rows if {"step"} <= set(row) <= set(self._columns) and int(row["step"]) <= step]


def _writer(file: IO[str], columns: tuple[str, ...]) -> Any:
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    return writer


def _tensorboard(folder: Path, step: int) -> "SummaryWriter | None":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)
