"""Made-up corpora: files of 0.2 s under published names."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000


def make_tree(root: Path, files: Iterable[str], duration_s: float = 0.2) -> None:
    """Each file under `root`, a WAV whatever its suffix (readers look at what is inside)."""
    samples = np.zeros(round(duration_s * RATE_HZ), np.float32)
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples, RATE_HZ, format="WAV")


def write_table(path: Path, rows: Sequence[dict[str, object]], delimiter: str = ",") -> None:
    """A CSV or TSV file with the keys of the first row as its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = delimiter.join(rows[0])
    path.write_text(
        "\n".join([header, *(delimiter.join(map(str, row.values())) for row in rows)]) + "\n", encoding="utf-8"
    )
