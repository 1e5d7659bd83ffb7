"""The paper's tables 2 to 4: supervised learning, MAML and F-MAML on languages that are new to them (section 4)."""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch

from engine.backbones.mfcc import MfccBackbone
from engine.base_folder import is_base_folder
from engine.bases import load_base
from engine.choices import Protocol
from engine.device import resolve_device
from engine.encoder import EmotionEncoder
from engine.errors import BaseError, CorpusError, RecipeError
from engine.metalearning.corpora import CORPORA, Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import Trained, TrainingProgress, TrainingRemark
from engine.metalearning.experiments.measured import Measured, figure_of
from engine.metalearning.experiments.run import Conditions, TableMade
from engine.metalearning.experiments.table import Block, Cell, Figure, Table
from engine.metalearning.experiments.trajectory import fingerprint
from engine.metalearning.recipe import find_recipe, read_recipe
from engine.systems.fmaml.maml import Learner
from engine.systems.fmaml.measuring import Answers, answer_tasks
from engine.systems.fmaml.mfcc_cache import ClipsCached, cache_corpus
from engine.systems.fmaml.network import ConvolutionalNetwork
from engine.systems.fmaml.recipe import FmamlRecipe, FmamlTableRecipe
from engine.systems.fmaml.supervised import supervised_answers
from engine.systems.fmaml.tasks import TaskSampler, TaskShape
from engine.systems.fmaml.train import loop_of, train

Report = TrainingProgress | TrainingRemark
_LANGUAGES = {"de": "German", "en": "English", "it": "Italian", "pl": "Polish", "bn": "Bangla", "ko": "Korean"}
_SUPERVISED, _MAML, _FMAML = _ROWS = ("Supervised", "MAML", "F-MAML")
_NOTES = (
    "The paper's columns are English, Spanish and Italian of EmoFilm (film clips, 1,115 files), which is not at hand. "
    "Its figure stands beside ours where the language is the same; the corpus is another, and acted in a studio.",
    "All accuracies count silence and neutral speech, as the paper's do. Chance is 100 / labels %.",
    "Each test draws its emotions, 5 or as many as the corpus has beside neutral; speakers are in support and query "
    "at once, as in the paper.",
)
_EVERY, _EMOTIONS = 0, 1  # keys of kept figures: over all queries, over those of emotions


def run(recipe: FmamlTableRecipe, conditions: Conditions) -> Iterator[Report | TableMade]:
    """Train what the table needs, test every network on every target; the last event is `TableMade`.

    Trained networks and figures are kept in `conditions.out`; tables of the same training share them there.
    `conditions.base` stands for the network of the row F-MAML. Raises RecipeError, CorpusError, BaseError,
    AudioError, DeviceError.
    """
    yield from _Experiment(recipe, conditions).run()


@dataclass(frozen=True)
class _Target:
    """A corpus to test on. plain, fixed: tests of the same emotions, with 7 labels alike or 5 and 2; other clips."""

    corpus: Corpus
    digest: str
    plain: TaskSampler
    fixed: TaskSampler

    @property
    def column(self) -> str:
        return f"{_LANGUAGES.get(self.corpus.language, self.corpus.language)}: {CORPORA[self.corpus.name].title}"


class _Experiment:
    def __init__(self, recipe: FmamlTableRecipe, conditions: Conditions) -> None:
        self._recipe, self._conditions = recipe, conditions
        training = read_recipe(find_recipe(recipe.training, conditions.beside))
        if not isinstance(training.settings, FmamlRecipe):
            raise RecipeError(f"'{recipe.training}' is no recipe of kind fmaml.", "Name one that is.")
        self._text, self._settings = training.text, training.settings
        self._device = resolve_device(conditions.device)
        try:
            conditions.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecipeError(
                f"{conditions.out} cannot be made ({error.strerror}).", "Choose another --out."
            ) from error
        self._kept = Measured(conditions.out / f"{recipe.name}.json")
        self._emotions: list[str] = []  # what the emotions' clips alone came to, in words

    def run(self) -> Iterator[Report | TableMade]:
        if self._conditions.protocol is not Protocol.RANDOM:
            yield TrainingRemark("F-MAML's tables are measured with speakers at random, as in the paper.")
        columns: list[str] = []
        cells: list[list[Cell]] = [[] for _ in _ROWS]
        for number, name in enumerate(self._recipe.targets):
            target = yield from self._target(name)
            columns.append(target.column if target else CORPORA[name].title)
            for row, method in enumerate(_ROWS):
                figure = (yield from self._figure(method, target)) if target else None
                paper = self._recipe.paper[row][number]
                cells[row].append(Cell(figure, None if math.isnan(paper) else paper))
        if not any(cell.measured for row in cells for cell in row):
            raise CorpusError(f"There is nothing to measure {self._recipe.name} on.", "Put one of its corpora there.")
        block = Block("", tuple(columns), tuple(tuple(row) for row in cells))
        yield TableMade(Table(self._recipe.table_name, self._recipe.title, "Method", _ROWS, (block,), self._notes()))

    def _target(self, name: str) -> Generator[Report, None, _Target | None]:
        """What is tested on; None, and told, where it is not there or lacks clips."""
        root, settings = self._conditions.corpora_root, self._settings
        yield TrainingProgress(0, 0, f"Reading {CORPORA[name].title}")
        try:
            corpus = read_corpus(name, root / name)
            backbone = MfccBackbone(settings.mfcc.coefficients, normalised=settings.mfcc.normalised)
            for event in cache_corpus(corpus, backbone, self._mfcc, settings.mfcc.silence, settings.seed):
                if isinstance(event, ClipsCached):
                    yield TrainingProgress(0, 0, f"MFCCs of {CORPORA[name].title}")
                else:
                    cached = event
            recipe = self._recipe
            ways = settings.tasks.ways
            shape = TaskShape(ways, recipe.shots, recipe.queries, recipe.crop_s, fixed=False, fewest_queries=1)
            plain = TaskSampler([cached], shape, self._conditions.seed)
            fixed = TaskSampler([cached], replace(shape, fixed=True), self._conditions.seed)
        except CorpusError as error:
            yield TrainingRemark(f"{CORPORA[name].title}: {error.message}", "Its cells stay empty.")
            return None
        queries = min(plain.most_queries(0), fixed.most_queries(0))
        if queries < self._recipe.queries:
            yield TrainingRemark(
                f"{CORPORA[name].title} has clips for {queries} queries a label, not {self._recipe.queries}, "
                "where its rarest labels are drawn."
            )
        return _Target(corpus, digest_of([corpus], root), plain, fixed)

    @property
    def _mfcc(self) -> Path:
        return self._conditions.out / "mfcc"

    def _figure(self, method: str, target: _Target) -> Generator[Report, None, Figure | None]:
        """One cell. None where nothing is left to train on."""
        tests, recipe = self._recipe.tests, self._recipe
        if method == _SUPERVISED:
            mfcc, maml = self._settings.mfcc, self._settings.maml
            shape = TaskShape(self._settings.tasks.ways, fixed=False)
            network = ConvolutionalNetwork(mfcc.coefficients, ways=shape.outputs, filters=maml.filters, fixed=False)
            answers = supervised_answers(
                target.plain, network, tests, recipe.supervised_steps, self._conditions.seed, self._device
            )
            return (yield from self._measure(method, target, str(network.specification()), answers))
        encoder = yield from self._trained(target, fixed=method == _FMAML)
        if encoder is None:
            return None
        learned = encoder.extractor.to(self._device)
        assert isinstance(learned, ConvolutionalNetwork)
        sampler = target.fixed if learned.fixed else target.plain
        answers = answer_tasks(Learner(learned), sampler, tests, loop_of(self._settings), self._device)
        return (yield from self._measure(method, target, fingerprint(encoder), answers))

    def _measure(
        self, method: str, target: _Target, weights: str, answers: Iterator[Answers]
    ) -> Generator[Report, None, Figure]:
        """The mean over the tests; kept, and not measured again under the same conditions."""
        told = f"{method}, {target.column}"
        conditions = self._all_conditions(method, target, weights)
        found = self._kept.find(conditions)
        if found is None:
            every, emotions = [], []
            for number, answered in enumerate(answers, start=1):
                every.append(answered.accuracy)
                emotions.append(answered.emotion_accuracy)
                message = f"{told}: {100 * np.mean(every):.1f} %"
                yield TrainingProgress(number, self._recipe.tests, message)
            found = {_EVERY: figure_of(every), _EMOTIONS: figure_of(emotions)}
            self._kept.keep(conditions, found)
        self._emotions.append(f"{told} {found[_EMOTIONS].in_words()}")
        return found[_EVERY]

    def _all_conditions(self, method: str, target: _Target, weights: str) -> dict[str, Any]:
        """Everything that a figure depends on, as JSON values."""
        recipe, settings = self._recipe, self._settings
        return {
            "method": method,
            "weights": weights,
            "clips": target.digest,
            "shape": [settings.tasks.ways, recipe.shots, recipe.queries, recipe.crop_s],
            "mfcc": [settings.mfcc.coefficients, settings.mfcc.normalised, settings.mfcc.silence, settings.seed],
            "tests": recipe.tests,
            "inner": [settings.maml.inner_steps, settings.maml.inner_rate],
            "supervised_steps": recipe.supervised_steps if method == _SUPERVISED else None,
            "seed": self._conditions.seed,
            "torch": str(torch.__version__),
        }

    def _trained(self, target: _Target, *, fixed: bool) -> Generator[Report, None, EmotionEncoder | None]:
        """An encoder that has not heard the target; trained, unless it is there or one was given."""
        if fixed and self._conditions.base is not None:
            base = load_base(self._conditions.base)
            network, mfcc = base.encoder.extractor, self._settings.mfcc
            wanted = MfccBackbone(mfcc.coefficients, normalised=mfcc.normalised).specification()
            shaped = isinstance(network, ConvolutionalNetwork) and network.fixed
            if (
                not shaped
                or network.ways != self._settings.tasks.ways
                or base.encoder.backbone.specification() != wanted
            ):
                raise BaseError("This base is not an F-MAML of this table's shape.", "Leave --base out to train one.")
            if target.corpus.name in base.training.get("corpora", {}):
                yield TrainingRemark(f"The base was trained on {target.column}: its figure there is too good.")
            return base.encoder
        root, settings = self._conditions.corpora_root, self._settings
        names = [name for name in settings.data.corpora if name != target.corpus.name and (root / name).is_dir()]
        if not names:
            yield TrainingRemark("There is no other corpus to train on.", "Put one there.")
            return None
        data = replace(settings.data, corpora=tuple(names), validation=())
        recipe = replace(settings, data=data, tasks=replace(settings.tasks, fixed=fixed))
        text = f"# Here on {', '.join(names)}, with fixed = {str(fixed).lower()}.\n{self._text}"
        method = _FMAML if fixed else _MAML
        folder = self._conditions.out / f"{method.lower()}-{crc32(text.encode()):08x}"
        if not is_base_folder(folder / "base"):
            folder.mkdir(exist_ok=True)
            for event in train(
                recipe, root, folder, device=self._conditions.device, recipe_text=text, mfcc_folder=self._mfcc
            ):
                if isinstance(event, TrainingProgress):
                    yield replace(
                        event, message=f"{method} without {CORPORA[target.corpus.name].title}: {event.message}"
                    )
                elif not isinstance(event, Trained):
                    yield event
        return load_base(str(folder / "base")).encoder

    def _notes(self) -> tuple[str, ...]:
        recipe, settings = self._recipe, self._settings
        plan = settings.maml
        trained = (
            f"MAML and F-MAML: {plan.steps * plan.tasks_per_step} tasks, {settings.tasks.shots}-shot, "
            f"{plan.order.value} order, on those of {', '.join(settings.data.corpora)} that are not the target"
        )
        given = f"; F-MAML is the base {self._conditions.base}." if self._conditions.base else "."
        return (
            *_NOTES,
            f"{recipe.tests} tests a cell, {recipe.shots} shots, {recipe.queries} queries a label where the corpus has "
            f"them, clips cut to {recipe.crop_s:g} s; {plan.inner_steps} inner steps at {plan.inner_rate}.",
            trained + given,
            f"Supervised: {recipe.supervised_steps} steps of Adam at 0.001, 16 clips each, from random weights.",
            f"Of the emotions' clips alone: {'; '.join(self._emotions)}.",
        )
