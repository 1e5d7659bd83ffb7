"""Requests of those who measure and train bases on corpora; see `requests` for what a request is."""

from dataclasses import dataclass, field
from pathlib import Path

from engine.metalearning.experiments.table import Table
from serstudio.usecases.requests import AdaptationChoice, Skipped

# --- evaluate --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EvaluateManifest(AdaptationChoice):
    """The few-shot protocol of the main paper (section 4.5) over a manifest. Done: `Evaluated`."""

    manifest: Path
    root: Path | None = None
    ways: int = 4
    shots: int = 5
    queries: int = 12
    episodes: int = 100
    protocol: str = "random"  # or "new-speakers"


@dataclass(frozen=True)
class MethodUsed:
    """How so many episodes were really adapted to; 0 steps: nothing was tuned."""

    method: str
    steps: int
    head: str
    episodes: int


@dataclass(frozen=True)
class Evaluated:
    """Accuracies are fractions; `confusion` is over all labels of the manifest, summed over episodes.

    `request` is the one that was made, with what the base recommends in place of None. `methods_used`: what was done,
    which differs from it where clips were too few, or their labels' names unknown, for what was asked.
    `seconds_per_episode` are the method's own; `shared_seconds` went, in all, into what it needed first and the methods
    after it find done: clips that were decoded, and what the base makes of them.
    """

    request: EvaluateManifest
    accuracy: float
    accuracy_ci95: float | None  # None of a single episode
    unweighted_accuracy: float
    macro_f1: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    seconds_per_episode: float
    shared_seconds: float
    episode_accuracies: tuple[float, ...]
    machine: str
    methods_used: tuple[MethodUsed, ...]
    skipped: tuple[Skipped, ...] = field(default=())
    peak_memory_bytes: int | None = None  # None where the system does not tell


@dataclass(frozen=True)
class CompareMethods:
    """The protocol of `shared` with each of `methods`, on the same episodes. Done: `MethodsCompared`."""

    shared: EvaluateManifest
    methods: tuple[str, ...]


@dataclass(frozen=True)
class MethodsCompared:
    results: tuple[Evaluated, ...]  # in the order of the methods


# --- metatrain -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MetatrainBase:
    """Train a base by a recipe; started again it goes on where it was. Done: `BaseTrained`.

    `recipe` is a TOML file or the name of a bundled one; `corpora` holds one folder a corpus, named as in the
    recipe; `run_folder` takes the checkpoint, the logs and, in `base`, the result.
    """

    recipe: str
    corpora: Path
    run_folder: Path
    device: str = "auto"


@dataclass(frozen=True)
class BaseTrained:
    """`folder` can be given to `--base`."""

    folder: Path
    name: str
    licence: str
    size_bytes: int


# --- experiment ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunExperiment:
    """Make a table of the main paper again; started again it goes on where it was. Done: `ExperimentRun`.

    `recipe` is a TOML file or the name of a bundled one (table4 to table10); `corpora` holds one folder a corpus.
    `out` takes the trainings and the figures. `base`: measure this one and train nothing; `start`: what trainings
    start from, in place of the recipe's encoder. None elsewhere: as in the recipe.
    """

    recipe: str
    corpora: Path
    out: Path
    base: str | None = None
    start: str | None = None
    episodes: int | None = None
    queries: int | None = None
    protocol: str = "random"
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class ExperimentRun:
    """`out` holds what was trained, and the figures."""

    out: Path
    table: Table
