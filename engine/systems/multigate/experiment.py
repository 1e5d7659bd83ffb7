"""Tables 3 and 4 of the paper and its figures 3 and 4, on the corpora that are at hand."""

import json
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.choices import Protocol
from engine.device import resolve_device
from engine.errors import RecipeError
from engine.evaluation.metrics import accuracy, mean_ci95, unweighted_accuracy
from engine.metalearning.corpora import CORPORA, Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import TrainingProgress, TrainingRemark
from engine.metalearning.experiments.measured import Measured
from engine.metalearning.experiments.run import Conditions, ExperimentEvent, Report, TableMade
from engine.metalearning.experiments.table import Block, Cell, Figure, Table
from engine.systems.multigate.figures import gates_svg, tsne_svg, write_figure
from engine.systems.multigate.held_out import answers, mean_gates, representations, split_language
from engine.systems.multigate.languages import Language
from engine.systems.multigate.network import Variant
from engine.systems.multigate.recipe import Comparison, MultiGateTableRecipe, NetworkSection, Split
from engine.systems.multigate.streams import StreamsBackbone
from engine.systems.multigate.train import cache_languages, open_streams
from engine.systems.multigate.training import StepDone, Trained, train_network

_TITLES = {
    Variant.BASE: "Base",
    Variant.SHARED_BOTTOM: "SB",
    Variant.OMOE: "OMoE",
    Variant.MMOE: "MMoE",
    Variant.OURS: "Ours",
}
_UA, _WA = 0, 1
_SPLITS = {
    Split.SPEAKERS: "speakers held out whole; the paper's clips are split at random, with its speakers on both sides",
    Split.RANDOM: "clips held out at random as in the paper, so that speakers are on both sides: it flatters",
}


@dataclass(frozen=True)
class _Training:
    """One row of the table for some of its languages, in one run."""

    row: str
    network: NetworkSection
    languages: tuple[int, ...]
    seed: int


def run(
    recipe: MultiGateTableRecipe, conditions: Conditions
) -> Iterator[TrainingProgress | TrainingRemark | TableMade]:
    """Train and test every row, `runs` times; the last event is `TableMade`.

    Stopped and started again it goes on where it was. gates.svg and tsne.svg are written into `conditions.out`. Raises
    RecipeError, CorpusError, BaseError, DeviceError, AudioError.
    """
    if conditions.base is not None:
        raise RecipeError("This table trains its own networks.", "Leave --base out.")
    corpora = [read_corpus(name, conditions.corpora_root / name) for name in recipe.measure.corpora]
    yield TrainingProgress(0, 0, "Loading the feature streams")
    backbone, _ = open_streams(recipe.streams)
    backbone.to(resolve_device(conditions.device))
    languages = yield from cache_languages(
        corpora, backbone, conditions.out / "frames", recipe.streams.augmented, conditions.seed
    )
    yield from _Experiment(recipe, conditions, corpora, backbone.cpu(), languages).run()


class _Experiment:
    def __init__(
        self,
        recipe: MultiGateTableRecipe,
        conditions: Conditions,
        corpora: Sequence[Corpus],
        backbone: StreamsBackbone,
        languages: Sequence[Language],
    ) -> None:
        self._recipe, self._languages, self._backbone = recipe, languages, backbone
        self._out, self._seed = conditions.out, conditions.seed
        self._split = Split.SPEAKERS if conditions.protocol is Protocol.NEW_SPEAKERS else recipe.measure.split
        self._digests = [digest_of([corpus], conditions.corpora_root) for corpus in corpora]
        self._kept = Measured(self._out / f"multigate-table{recipe.table}.json")
        self._figures: dict[tuple[str, int], dict[int, list[float]]] = {}
        self._titles = [f"{CORPORA[corpus.name].title} ({corpus.language})" for corpus in corpora]

    def run(self) -> Iterator[ExperimentEvent]:
        trainings = self._trainings()
        for number, training in enumerate(trainings):
            measured = [self._kept.find(self._facts(training, language)) for language in training.languages]
            if None in measured or not self._drawn(training):
                yield from self._measure(training, f"{training.row}, {number + 1} of {len(trainings)}")
                measured = [self._kept.find(self._facts(training, language)) for language in training.languages]
            for language, found in zip(training.languages, measured, strict=True):
                for what in (_UA, _WA):
                    values = self._figures.setdefault((training.row, language), {_UA: [], _WA: []})
                    values[what].append(found[what].accuracy if found else float("nan"))
        yield from self._draw()
        yield TableMade(self._table(trainings))

    def _trainings(self) -> list[_Training]:
        measure, network = self._recipe.measure, self._recipe.network
        every = tuple(range(len(self._languages)))
        found = []
        for run in range(measure.runs):
            if measure.compared is Comparison.VARIANTS:
                for variant, title in _TITLES.items():
                    section = replace(network, variant=variant.value)
                    found.append(_Training(title, section, every, self._seed + run))
                continue
            for row, section in self._auxiliary_rows():
                found += [_Training(row, section, (language,), self._seed + run) for language in every]
        return found

    def _auxiliary_rows(self) -> list[tuple[str, NetworkSection]]:
        """Of the model for a single language, which has one tower and nothing to gate (section 4.1).

        Its streams are summed, as in the shared bottom; the paper's are side by side.
        """
        single = replace(self._recipe.network, variant=Variant.SHARED_BOTTOM.value)
        return [("with aux loss", single), ("w/o aux loss", replace(single, auxiliary=0.0))]

    def _facts(self, training: _Training, language: int) -> dict[str, Any]:
        """Everything that the figures of a language in a training depend on, as JSON values."""
        return {
            "network": asdict(training.network),
            "training": asdict(self._recipe.training),
            "streams": asdict(self._recipe.streams),
            "backbone": self._backbone.specification(),
            "corpora": [self._digests[each] for each in training.languages],
            "language": language,
            "split": [self._split.value, self._recipe.measure.held_out],
            "seed": training.seed,
        }

    def _measure(self, training: _Training, told: str) -> Generator[Report, None, None]:
        shares = [
            split_language(self._languages[each], self._split, self._recipe.measure.held_out, training.seed)
            for each in training.languages
        ]
        folder = self._out / f"multigate-table{self._recipe.table}-checkpoint"
        trained = None
        for event in train_network(
            self._backbone,
            [share[0] for share in shares],
            self._recipe.streams.selector,
            training.network,
            self._recipe.training,
            training.seed,
            json.dumps(self._facts(training, 0), sort_keys=True),
            folder / f"{self._name(training)}.safetensors",
        ):
            if isinstance(event, StepDone):
                yield TrainingProgress(event.step, event.steps, told, event.loss)
            else:
                trained = event
        assert trained is not None
        for language, (_, held) in zip(training.languages, shares, strict=True):
            confusion = answers(trained, held)
            figures = {
                _UA: Figure(100 * unweighted_accuracy(confusion), None),
                _WA: Figure(100 * accuracy(confusion), None),
            }
            self._kept.keep(self._facts(training, language), figures)
        if training.seed == self._seed:
            self._keep_for_drawing(training, trained, [held for _, held in shares])
        shutil.rmtree(folder, ignore_errors=True)

    def _name(self, training: _Training) -> str:
        numbers = "-".join(map(str, training.languages))
        return f"{training.row.replace('/', '').replace(' ', '-')}-{numbers}-{training.seed}"

    def _drawing(self, training: _Training) -> Path | None:
        """Where what is drawn of a training is kept, if it is one of the first run that a figure shows."""
        if training.seed != self._seed:
            return None
        folder = self._out / f"multigate-table{self._recipe.table}-figures"
        if self._recipe.measure.compared is Comparison.VARIANTS:
            return folder / "gates.json" if training.network.variant == Variant.OURS else None
        return folder / f"{self._name(training)}.npz" if training.languages == (self._shown,) else None

    @property
    def _shown(self) -> int:
        """The language of figure 3: German, or the first."""
        names = [language.name for language in self._languages]
        return names.index("emodb") if "emodb" in names else 0

    def _drawn(self, training: _Training) -> bool:
        path = self._drawing(training)
        return path is None or path.is_file()

    def _keep_for_drawing(self, training: _Training, trained: Trained, held: Sequence[Language]) -> None:
        path = self._drawing(training)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".json":
            titles = [self._titles[language] for language in training.languages]
            weights = {title: mean_gates(trained, each) for title, each in zip(titles, held, strict=True)}
            path.write_text(json.dumps(weights), encoding="utf-8")
            return
        vectors = representations(trained, held[0]).numpy()
        np.savez(path, vectors=vectors, labels=held[0].labels[held[0].clips])

    def _draw(self) -> Generator[Report, None, None]:
        """gates.svg of Table 3, tsne.svg of Table 4."""
        paths = {each.row: path for each in self._trainings() if (path := self._drawing(each)) is not None}
        if self._recipe.measure.compared is Comparison.VARIANTS:
            weights = json.loads(paths[_TITLES[Variant.OURS]].read_text(encoding="utf-8"))
            write_figure(self._out / "gates.svg", gates_svg(weights, self._recipe.streams.names))
            return
        panels, labels = {}, np.zeros(0, dtype=np.int64)
        for row, path in paths.items():
            with np.load(path, allow_pickle=False) as kept:
                panels[row], labels = kept["vectors"], kept["labels"]
        try:
            names = self._languages[self._shown].label_names
            write_figure(self._out / "tsne.svg", tsne_svg(panels, labels, names, self._seed))
        except RecipeError as error:
            yield TrainingRemark(error.message, error.hint)

    def _table(self, trainings: Sequence[_Training]) -> Table:
        measure = self._recipe.measure
        rows = tuple(dict.fromkeys(training.row for training in trainings))
        blocks = []
        for number, title in enumerate(self._titles):
            cells = tuple(
                tuple(self._cell(row, number, what, measure.paper[place][2 * number + what]) for what in (_UA, _WA))
                for place, row in enumerate(rows)
            )
            blocks.append(Block(title, ("UA", "WA"), cells))
        return Table(
            name=f"Multi-gating, table {self._recipe.table}",
            title=self._recipe.title,
            corner="model",
            rows=rows,
            blocks=tuple(blocks),
            notes=self._notes(),
            measure="UA and WA in %, ± CI95 over runs",
        )

    def _cell(self, row: str, language: int, what: int, published: float) -> Cell:
        values = self._figures[row, language][what]
        paper = None if np.isnan(published) else published
        return Cell(Figure(float(np.mean(values)), mean_ci95(values)), paper)

    def _notes(self) -> tuple[str, ...]:
        measure = self._recipe.measure
        notes = [
            f"Runs: {measure.runs}, each with a seed and a split of its own; {_SPLITS[self._split]}.",
            f"Streams: {', '.join(self._recipe.streams.names)}; the paper has Allosaurus, MFCC, wav2vec, GE2E, BYOL "
            "and tunes GE2E.",
            "Of the paper's corpora EmoDB alone is here; the others are other corpora with other labels.",
            "Unlike the paper: alpha, which weighs a mean and not a sum, width of the tower and GELU are the same for "
            "all languages, and parts of the clips are masked in training.",
        ]
        if measure.compared is Comparison.AUXILIARY:
            notes.append("The streams of a model for one language are summed, not side by side as the paper's.")
            picture, figure = "tsne.svg", "figure 3"
        else:
            notes.append("In Ours a gate's bar is the weight of u_i (eq. 8), named by the stream that u_i starts from.")
            picture, figure = "gates.svg", "figure 4b"
        if measure.runs == 1:
            notes.append("One run: there is no interval.")
        if (self._out / picture).is_file():
            notes.append(f"{self._out / picture} is the counterpart of the paper's {figure}, of the first run.")
        return tuple(notes)
