"""From corpora to the base that adapting by HGFM starts from."""

import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.base_folder import Base
from engine.choices import Recommended
from engine.device import resolve_device
from engine.encoder import EmotionEncoder
from engine.metalearning.corpora import read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, TrainingRemark, left_out_remarks
from engine.metalearning.few_shot_figures import figures_as_recommended
from engine.metalearning.model_card import Data, inherited_licence
from engine.metalearning.pace import Pace
from engine.metalearning.run_log import RunLog
from engine.metalearning.start import AS_PUBLISHED, Start, load_start
from engine.metalearning.supervised.frame_cache import CachedCorpus, ClipsCached, cache_corpus
from engine.metalearning.supervised.network import channel_statistics
from engine.metalearning.trained_base import Told, write_trained
from engine.systems.hgfm.answers import answers_among, logits_of_heard, logits_of_kept
from engine.systems.hgfm.downstream import Classifier, build_downstream
from engine.systems.hgfm.mixed import KeptFrames, MixedClip, mix
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from engine.systems.hgfm.phase import StepDone
from engine.systems.hgfm.recipe import HgfmRecipe, Upstream
from engine.systems.hgfm.scores import MEASURES, scores
from engine.systems.hgfm.training import Training
from engine.systems.hgfm.upstream import frame_statistics, read_clip

_CACHE, _CHECKPOINTS = "frames", "checkpoint"
_COLUMNS = ("phase", "loss", "seconds", *MEASURES)
_CLIPS_OF_STATISTICS = 100
_FAILURES = """- Trained on a few emotions in acted speech; spontaneous emotion is weaker and is recognised less often.
- Clips under 1.5 s: little is heard in them.
- Speakers who are not among the labelled ones: fewer are recognised than of those who are.
- Labels that it was not trained to tell apart, unless enough clips of them are labelled."""


def train(
    recipe: HgfmRecipe, corpora_root: Path, run_folder: Path, *, device: str, recipe_text: str
) -> Iterator[TrainingEvent]:
    """The downstream model, and with it the upstream if the recipe says so. Raises CorpusError, RecipeError, BaseError,
    AudioError, DeviceError."""
    yield from _Run(recipe, corpora_root, run_folder, recipe_text, resolve_device(device)).run()


@dataclass(frozen=True)
class _Validation:
    """A corpus that is not trained on, its clips of the recipe's emotions, and what is kept of them."""

    name: str
    clips: list[MixedClip]
    frames: KeptFrames | None


class _Run:
    def __init__(self, recipe: HgfmRecipe, root: Path, folder: Path, text: str, device: torch.device) -> None:
        self._recipe, self._plan, self._folder, self._text = recipe, recipe.training, folder, text
        self._device = device
        self._train = [read_corpus(name, root / name) for name in recipe.data.corpora]
        self._validation = [read_corpus(name, root / name) for name in recipe.data.validation]
        self._clips = mix(self._train, recipe.labels)
        self._digest = digest_of((*self._train, *self._validation), root)
        self._cached: list[CachedCorpus] = []
        self._asked: list[_Validation] = []
        self._pace = Pace()

    def run(self) -> Iterator[TrainingEvent]:
        for corpus in (*self._train, *self._validation):
            yield from left_out_remarks(corpus.name, corpus)
        yield TrainingProgress(0, 0, "Loading the encoder")
        start = load_start(self._recipe.base.start, self._recipe.read_layers)
        start.backbone.eval().to(self._device)
        if self._plan.epochs:
            yield from self._cache(start)
        self._asked = [self._ask(number) for number in range(len(self._validation))]
        classifier = self._fresh_classifier(start)
        yield from self._train_all(classifier, start)
        figures = self._figures(classifier, start)
        base = Base(
            self._recipe.name,
            EmotionEncoder(start.backbone, classifier.extractor),
            standardised=False,
            licence=inherited_licence(start.licence, self._recipe.data.corpora),
            recommended=self._recommended(),
        )
        episodes = self._recipe.adaptation.episodes
        figures |= yield from figures_as_recommended(base, self._validation, episodes, self._recipe.seed)
        base.encoder.cpu()
        self._write(base, start.licence, figures)
        shutil.rmtree(self._folder / _CHECKPOINTS, ignore_errors=True)
        yield Trained(self._folder / "base")

    def _recommended(self) -> Recommended:
        plan = self._recipe.adaptation
        return Recommended("hgfm", plan.steps, plan.learning_rate, head="linear", trained=plan.trained)

    def _cache(self, start: Start) -> Generator[TrainingProgress, None, None]:
        corpora = [(corpus, self._plan.augmented) for corpus in self._train]
        corpora += [(corpus, 0) for corpus in self._validation]
        total = sum(len(corpus.clips) * (1 + augmented) for corpus, augmented in corpora)
        done = 0
        for corpus, augmented in corpora:
            for event in cache_corpus(corpus, start.backbone, self._folder / _CACHE, augmented, self._recipe.seed):
                if isinstance(event, ClipsCached):
                    done += event.done
                    yield TrainingProgress(done, total, f"Frames of {corpus.name}")
                else:
                    self._cached.append(event)

    def _ask(self, number: int) -> _Validation:
        corpus = self._validation[number]
        kept = KeptFrames([self._cached[len(self._train) + number]]) if self._cached else None
        return _Validation(corpus.name, mix([corpus], self._recipe.labels, partly=True), kept)

    def _fresh_classifier(self, start: Start) -> Classifier:
        torch.manual_seed(self._recipe.seed)
        backbone = start.backbone
        extractor = build_downstream(
            HierarchicalGrainedFeatureModel.kind, backbone.hidden_size, len(backbone.read_layers), self._recipe.model
        )
        assert isinstance(extractor, HierarchicalGrainedFeatureModel)
        extractor.channel_mean, extractor.channel_spread = self._statistics(start)
        return Classifier(extractor, len(self._recipe.labels)).to(self._device)

    def _statistics(self, start: Start) -> tuple[Tensor, Tensor]:
        if self._cached:
            return channel_statistics(self._cached[: len(self._train)])
        some = self._clips[:: max(1, len(self._clips) // _CLIPS_OF_STATISTICS)]
        inputs = [start.backbone.front_end(torch.from_numpy(read_clip(clip)).to(self._device)) for clip in some]
        return frame_statistics(start.backbone, inputs)

    def _train_all(self, classifier: Classifier, start: Start) -> Iterator[TrainingEvent]:
        folder = self._folder / _CHECKPOINTS
        training = Training(classifier, self._plan, self._recipe.seed, self._clips, self._digest, folder)
        with RunLog(self._folder, _COLUMNS, training.done) as log:
            if self._plan.epochs:
                frames = KeptFrames(self._cached[: len(self._train)])
                yield from self._follow(training.alone(frames), training, log, classifier, start, "Downstream", 0)
            if self._plan.tuned_epochs:
                steps = training.together(start.backbone)
                yield from self._follow(steps, training, log, classifier, start, "Whole", self._plan.epochs)

    def _follow(
        self,
        steps: Iterator[StepDone],
        training: Training,
        log: RunLog,
        classifier: Classifier,
        start: Start,
        phase: str,
        before: int,
    ) -> Iterator[TrainingEvent]:
        """Log the steps of a phase that has `before` epochs before it, and tell of every epoch what it has come to."""
        per_epoch = training.steps_per_epoch
        total = (self._plan.epochs + self._plan.tuned_epochs) * per_epoch
        for event in steps:
            done = before * per_epoch + event.step
            log.write("train", done, {"phase": phase, "loss": event.loss, "seconds": event.seconds})
            self._pace.took(event.seconds)
            epoch = -(-done // per_epoch)
            message = f"{phase}, epoch {epoch} of {self._plan.epochs + self._plan.tuned_epochs}"
            yield TrainingProgress(done, total, message, event.loss, self._pace.left_s(total - done))
            if event.step % per_epoch == 0:
                for asked, figures in self._validate(classifier, start, heard=phase == "Whole"):
                    told = dict(zip(MEASURES, figures, strict=True))
                    log.write("validation", done, {"phase": asked, **told})
                    words = ", ".join(f"{name} {100 * figure:.1f}" for name, figure in told.items())
                    yield TrainingRemark(f"Epoch {epoch}, {asked}: {words}.")

    def _validate(
        self, classifier: Classifier, start: Start, *, heard: bool
    ) -> Iterator[tuple[str, tuple[float, float, float]]]:
        for asked in self._asked:
            if not asked.clips:
                continue
            if heard or asked.frames is None:
                logits = logits_of_heard(classifier, start.backbone, asked.clips)
            else:
                logits = logits_of_kept(classifier, asked.frames, asked.clips)
            yield asked.name, scores(answers_among(logits, asked.clips), len(self._recipe.labels))

    def _figures(self, classifier: Classifier, start: Start) -> dict[str, str]:
        told = {}
        clips = {asked.name: asked.clips for asked in self._asked}
        for name, figures in self._validate(classifier, start, heard=self._plan.upstream is not Upstream.FROZEN):
            words = ", ".join(f"{each} {100 * value:.1f}" for each, value in zip(MEASURES, figures, strict=True))
            asked = ", ".join(self._recipe.labels[number] for number in sorted({clip.label for clip in clips[name]}))
            told[f"{name}, not adapted, asked and answered {asked}, %"] = words
        return told

    def _write(self, base: Base, backbone_licence: str, figures: dict[str, str]) -> None:
        facts = {"backbone_licence": backbone_licence}
        if self._plan.upstream is Upstream.FROZEN:
            facts["backbone"] = AS_PUBLISHED
        told = Told(_summary(self._recipe), _FAILURES, figures, facts)
        data = Data(self._train, self._validation)
        write_trained(base, self._folder / "base", self._recipe, self._text, data, told)


def _summary(recipe: HgfmRecipe) -> str:
    done = {
        Upstream.FROZEN: "left as it was",
        Upstream.CONTEXT: "its transformer layers trained too",
        Upstream.FULL: "trained with it",
    }[recipe.training.upstream]
    return (
        "A base for few-shot speech emotion recognition by XLSR-HGFM (Zhang et al.): projection, bidirectional GRU and "
        f"attention on layers {' and '.join(map(str, recipe.read_layers))} of {recipe.base.start}, {done}; trained to "
        f"tell {', '.join(recipe.labels)} apart."
    )
