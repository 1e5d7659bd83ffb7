"""The paper's tables: rows of upstream, downstream and fine-tuning strategy, by WA, UA and macro-F1."""

import copy
import json
import zlib
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from engine.backbones.protocol import Backbone
from engine.device import resolve_device
from engine.errors import BaseError, CorpusError, RecipeError
from engine.metalearning.corpora import CORPORA, Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import TrainingProgress, TrainingRemark, left_out_remarks
from engine.metalearning.experiments.run import Conditions, Report, TableMade
from engine.metalearning.experiments.table import Block, Cell, Figure, Table
from engine.metalearning.start import load_start
from engine.metalearning.supervised.frame_cache import CachedCorpus, ClipsCached, cache_corpus
from engine.systems.hgfm.acoustic import FBANK, MFCC, AcousticFrames
from engine.systems.hgfm.answers import answers_among, logits_of_heard, logits_of_kept
from engine.systems.hgfm.downstream import Classifier, StandardisedExtractor, build_downstream
from engine.systems.hgfm.mixed import KeptFrames, mix
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from engine.systems.hgfm.recipe import HgfmTableRecipe, RowSection, Split, Upstream
from engine.systems.hgfm.scores import MEASURES, Answer, intervals, scores
from engine.systems.hgfm.shares import Share, shares
from engine.systems.hgfm.training import Training

_FRAMES = "frames"
_CLIPS_FOR_STATISTICS = 2000
_START = "start"  # a row's upstream: that of the recipe, or of the conditions


def run(recipe: HgfmTableRecipe, conditions: Conditions) -> Iterator[TrainingProgress | TrainingRemark | TableMade]:
    """Train and test every row of `recipe`; the last event is `TableMade`.

    Stopped and started again it goes on where it was: frames and trainings are kept in `conditions.out`. Raises
    RecipeError, CorpusError, DeviceError, AudioError.
    """
    if conditions.base is not None:
        raise RecipeError("This table trains its own networks.", "Leave --base out; --start changes the encoder.")
    corpora = yield from _read(recipe, conditions.corpora_root)
    yield from _Experiment(recipe, conditions, corpora).run()


def _read(recipe: HgfmTableRecipe, root: Path) -> Generator[Report, None, list[Corpus]]:
    absent = [name for name in recipe.data.corpora if not (root / name).is_dir()]
    corpora = []
    for name in recipe.data.corpora:
        if name not in absent:
            yield TrainingProgress(0, 0, f"Reading {CORPORA[name].title}")
            corpora.append(read_corpus(name, root / name))
    if absent:
        yield TrainingRemark(f"Not in {root}: {', '.join(absent)}.", "The table is made without.")
    if not corpora or (recipe.data.targets and len(corpora) < 2):
        raise CorpusError(f"There is nothing to train on in {root}.", "Put the corpora of the recipe there.")
    for corpus in corpora:
        yield from left_out_remarks(CORPORA[corpus.name].title, corpus)
    return corpora


@dataclass(frozen=True)
class _Encoder:
    """An upstream as it is before any fine-tuning, its frames of all corpora, and how many of them a second."""

    backbone: Backbone
    cached: list[CachedCorpus]
    rate: float


class _Experiment:
    def __init__(self, recipe: HgfmTableRecipe, conditions: Conditions, corpora: Sequence[Corpus]) -> None:
        self._recipe, self._conditions, self._corpora = recipe, conditions, corpora
        self._device = resolve_device(conditions.device)
        self._seed = recipe.seed + conditions.seed
        self._shares = shares(mix(corpora, recipe.data.labels), corpora, recipe.data, self._seed)
        self._digest = digest_of(corpora, conditions.corpora_root)
        self._encoders: dict[tuple[str, tuple[int, ...]], _Encoder | None] = {}

    def run(self) -> Iterator[TrainingProgress | TrainingRemark | TableMade]:
        cells: list[dict[str, tuple[Cell, ...]]] = []
        for row in self._recipe.rows:
            answers: dict[str, list[Answer]] = defaultdict(list)
            encoder = yield from self._encoder(row)
            for share in self._shares if encoder is not None else ():
                assert encoder is not None
                answers[share.block] += yield from self._answers(row, share, encoder)
            cells.append({share.block: self._cells(row, answers[share.block]) for share in self._shares})
        yield TableMade(self._table(cells))

    def _encoder(self, row: RowSection) -> Generator[Report, None, _Encoder | None]:
        """The row's upstream, with its frames; None, which is told, where it is not on this computer."""
        name = (self._conditions.start or self._recipe.base.start) if row.upstream == _START else row.upstream
        own = row.upstream == _START and self._conditions.start is None
        layers = row.read_layers or (self._recipe.read_layers if own else ())  # of others the highest, as in the paper
        if (name, layers) not in self._encoders:
            yield TrainingProgress(0, 0, f"{row.title}: loading the upstream")
            try:
                acoustic = name in (FBANK, MFCC)
                backbone = AcousticFrames(name) if acoustic else load_start(name, layers).backbone
            except (BaseError, RecipeError) as error:
                yield TrainingRemark(f"{row.title}: {error.message}", f"Its cells stay empty. {error.hint}")
                self._encoders[name, layers] = None
                return None
            backbone.eval().to(self._device)
            cached = yield from self._cache(row, backbone)
            self._encoders[name, layers] = _Encoder(backbone, cached, 50.0 if acoustic else 25.0)
        return self._encoders[name, layers]

    def _cache(self, row: RowSection, backbone: Backbone) -> Generator[Report, None, list[CachedCorpus]]:
        views, cached, done = self._recipe.training.augmented, [], 0
        total = sum(len(corpus.clips) for corpus in self._corpora) * (1 + views)
        for corpus in self._corpora:
            for event in cache_corpus(corpus, backbone, self._conditions.out / _FRAMES, views, self._seed):
                if isinstance(event, ClipsCached):
                    done += event.done
                    yield TrainingProgress(done, total, f"{row.title}: frames of {CORPORA[corpus.name].title}")
                else:
                    cached.append(event)
        return cached

    def _answers(self, row: RowSection, share: Share, encoder: _Encoder) -> Generator[Report, None, list[Answer]]:
        """What a training of the row on the share's clips answers to the others."""
        tuned = row.trained is not Upstream.FROZEN
        plan = self._recipe.training
        if tuned:
            plan = replace(plan, upstream=row.trained, tuned_epochs=self._recipe.tuned_epochs)
        classifier = self._fresh(row, share, encoder)
        folder = self._conditions.out / f"{self._recipe.name}-{share.name}-{self._key(row):08x}"
        training = Training(classifier, plan, self._seed, share.train, self._digest, folder)
        frames, backbone = KeptFrames(encoder.cached), encoder.backbone
        total = (plan.epochs + plan.tuned_epochs) * training.steps_per_epoch
        done = plan.epochs * training.steps_per_epoch
        where = f"{row.title}, {share.block or share.name}"
        for step in training.alone(frames, rate=encoder.rate):
            yield TrainingProgress(step.step, total, where, step.loss)
        if not tuned:
            return answers_among(logits_of_kept(classifier, frames, share.test), share.test)
        backbone = copy.deepcopy(backbone)
        for step in training.together(backbone):
            yield TrainingProgress(done + step.step, total, where, step.loss)
        return answers_among(logits_of_heard(classifier, backbone, share.test), share.test)

    def _fresh(self, row: RowSection, share: Share, encoder: _Encoder) -> Classifier:
        torch.manual_seed(self._seed)
        backbone = encoder.backbone
        layers = len(backbone.read_layers)
        extractor = build_downstream(row.downstream, backbone.hidden_size, layers, self._recipe.model)
        assert isinstance(extractor, HierarchicalGrainedFeatureModel | StandardisedExtractor)
        extractor.channel_mean, extractor.channel_spread = self._statistics(share, encoder)
        return Classifier(extractor, len(self._recipe.data.labels)).to(self._device)

    def _statistics(self, share: Share, encoder: _Encoder) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the channels over clips that are trained on, and no others."""
        kept, every = KeptFrames(encoder.cached), max(1, len(share.train) // _CLIPS_FOR_STATISTICS)
        frames = torch.cat([hidden[mask] for hidden, mask in (kept.batch([clip]) for clip in share.train[::every])])
        return frames.mean(0), frames.std(0, unbiased=False) + 1e-4

    def _key(self, row: RowSection) -> int:
        """What a training of the row depends on, but for how its upstream is fine-tuned after it."""
        start = self._conditions.start or self._recipe.base.start
        told = [row.upstream, row.downstream, row.read_layers, start, self._recipe.read_layers, self._seed]
        told.append("statistics of the training clips")
        told += [asdict(part) for part in (self._recipe.data, self._recipe.model, self._recipe.training)]
        return zlib.crc32(json.dumps([*told, self._recipe.tuned_epochs]).encode())

    def _cells(self, row: RowSection, answers: Sequence[Answer]) -> tuple[Cell, ...]:
        paper: tuple[float | None, ...] = row.paper or (None, None, None)
        if not answers:
            return tuple(Cell(None, figure) for figure in paper)
        count = len(self._recipe.data.labels)
        pairs = zip(scores(answers, count), intervals(answers, count), strict=True)
        return tuple(
            Cell(Figure(100 * value, 100 * half), figure) for (value, half), figure in zip(pairs, paper, strict=True)
        )

    def _table(self, rows: Sequence[dict[str, tuple[Cell, ...]]]) -> Table:
        names = dict.fromkeys(share.block for share in self._shares)
        blocks = tuple(Block(name, MEASURES, tuple(row[name] for row in rows)) for name in names)
        titles = tuple(row.title for row in self._recipe.rows)
        return Table(
            f"XLSR-HGFM, {self._recipe.name.removeprefix('hgfm-')}",
            self._recipe.title,
            "structure",
            titles,
            blocks,
            (*self._notes(), *self._recipe.notes),
            "in %, ± CI95 by bootstrap over speakers",
        )

    def _notes(self) -> Iterator[str]:
        data, clips = self._recipe.data, sum(len(share.test) for share in self._shares)
        names = ", ".join(CORPORA[corpus.name].title for corpus in self._corpora)
        yield f"Emotions: {', '.join(data.labels)}. Corpora: {names}; the paper's: EmoDB, EMOVO and four English ones."
        if data.most_clips:
            yield f"Of each corpus {data.most_clips} clips at most, drawn at random."
        if data.targets:
            asked = ", ".join(data.asked or data.labels)
            yield f"Trained on the other corpora, not adapted; asked and answered: {asked}. Clips tested: {clips}."
        else:
            how = "no speaker is in both" if data.split is Split.SPEAKERS else "by clips, as in the paper"
            yield f"Tested: {data.tested} of {data.parts} parts, trained on the others, {how}. Clips tested: {clips}."
        yield (
            "Unlike the paper: frames are standardised, the rate falls along a cosine, gradients are clipped, clips "
            "are cut to some seconds in training, EmoDB's disgust is not merged into anger, and where an upstream is "
            "tuned the downstream has been trained on frozen frames before, so those rows are trained for longer."
        )
