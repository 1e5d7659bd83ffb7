"""The two trainings of the compact base, from corpora to a base folder."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from engine.adaptation import AdaptationSettings
from engine.base_folder import Base
from engine.choices import HEADS, Protocol, Recommended
from engine.device import resolve_device
from engine.encoder import EmotionEncoder
from engine.errors import CorpusError
from engine.extractors import AttentiveStatistics, PooledExtractor
from engine.metalearning.checkpoints import read_position
from engine.metalearning.corpora import Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, too_long_remark
from engine.metalearning.few_shot_figures import few_shot_figures
from engine.metalearning.model_card import Data, inherited_licence
from engine.metalearning.pace import Pace
from engine.metalearning.run_log import RunLog
from engine.metalearning.start import AS_PUBLISHED, Start, load_start
from engine.metalearning.supervised.frame_cache import CachedCorpus, ClipsCached, cache_corpus
from engine.metalearning.supervised.mixing import closed_form_part, mix
from engine.metalearning.supervised.network import channel_statistics, train_network
from engine.metalearning.supervised.recipe import ClosedFormRecipe, SupervisedRecipe
from engine.metalearning.trained_base import Told, write_trained

_CACHE, _CHECKPOINTS = "frames", "checkpoint"
_VALIDATION_EPISODES = 200
_COLUMNS = ("network", "loss", "seconds")
_FAILURES = """- Clips under 1.5 s: little is heard in them; single words are recognised far less often than sentences.
- Speakers who are not among the labelled ones: a few points less than for those who are.
- Where a speaker mostly has one emotion the voice may be taken for the feeling; the base was not tried on such data.
- The corpora are mostly acted; spontaneous emotion is weaker and is recognised less often."""


def train_compact(
    recipe: ClosedFormRecipe, corpora_root: Path, run_folder: Path, *, device: str, recipe_text: str
) -> Iterator[TrainingEvent]:
    """The closed-form part and, where the recipe has them, networks. Raises CorpusError, RecipeError, BaseError,
    AudioError, DeviceError."""
    yield from _Training(recipe, corpora_root, run_folder, recipe_text, resolve_device(device)).run()


class _Training:
    def __init__(
        self,
        recipe: ClosedFormRecipe,
        root: Path,
        run_folder: Path,
        recipe_text: str,
        device: torch.device,
    ) -> None:
        self._recipe, self._folder, self._text = recipe, run_folder, recipe_text
        self._device = device  # of the encoder; the networks are too small to gain from another than the CPU
        self._train = [_labelled(read_corpus(name, root / name)) for name in recipe.data.corpora]
        self._validation = [read_corpus(name, root / name) for name in recipe.data.validation]
        self._digest = digest_of(self._train, root)
        self._cached: list[CachedCorpus] = []
        self._parts: list[PooledExtractor] = []

    def run(self) -> Iterator[TrainingEvent]:
        for corpus in (*self._train, *self._validation):
            if corpus.too_long:
                yield too_long_remark(corpus.name, corpus.too_long)
        yield TrainingProgress(0, 0, "Loading the encoder")
        start = load_start(self._recipe.base.start, self._recipe.read_layers)
        start.backbone.eval().to(self._device)
        yield from self._cache(start)
        start.backbone.cpu()
        size, layers = start.backbone.hidden_size, len(start.backbone.read_layers)
        self._parts.append(closed_form_part(self._cached, self._recipe.discriminant, size, layers))
        weights = [1.0]
        if isinstance(self._recipe, SupervisedRecipe):
            yield from self._networks(self._recipe, size, layers)
            # all networks together have the say of the closed form times their weight
            share = self._recipe.networks.weight / math.sqrt(self._recipe.networks.count)
            weights += [share] * self._recipe.networks.count
        base = Base(
            self._recipe.name,
            EmotionEncoder(start.backbone, mix(self._parts, weights, self._cached)),
            standardised=False,
            licence=inherited_licence(start.licence, self._recipe.data.corpora),
            recommended=Recommended(**asdict(self._recipe.adaptation)),
        )
        heads = {head: AdaptationSettings(method=head) for head in HEADS}
        protocols = tuple(Protocol)
        figures = yield from few_shot_figures(
            base, self._validation, heads, protocols, _VALIDATION_EPISODES, self._recipe.seed
        )
        self._write(base, start.licence, figures)
        shutil.rmtree(self._folder / _CHECKPOINTS, ignore_errors=True)
        yield Trained(self._folder / "base")

    def _cache(self, start: Start) -> Iterator[TrainingProgress]:
        augmented = self._recipe.views.augmented if isinstance(self._recipe, SupervisedRecipe) else 0
        total = sum(len(corpus.clips) for corpus in self._train) * (1 + augmented)
        done = 0
        for corpus in self._train:
            for event in cache_corpus(corpus, start.backbone, self._folder / _CACHE, augmented, self._recipe.seed):
                if isinstance(event, ClipsCached):
                    done += event.done
                    yield TrainingProgress(done, total, f"Frames of {corpus.name}")
                else:
                    self._cached.append(event)

    def _networks(self, recipe: SupervisedRecipe, hidden_size: int, layers: int) -> Iterator[TrainingProgress]:
        """Train the networks one after the other and add them to the parts."""
        plan, count = recipe.training, recipe.networks.count
        checkpoints = [self._folder / _CHECKPOINTS / f"network-{number}.safetensors" for number in range(count)]
        done = sum(read_position(path).step for path in checkpoints if path.is_file())
        statistics = channel_statistics(self._cached)
        pace = Pace()
        with RunLog(self._folder, _COLUMNS, done) as log:
            for number, checkpoint in enumerate(checkpoints):
                shape, seeds = recipe.networks, (recipe.seed, number)
                for event in train_network(
                    self._cached, statistics, shape, plan, hidden_size, layers, seeds, self._digest, checkpoint
                ):
                    if isinstance(event, AttentiveStatistics):
                        self._parts.append(event)
                        continue
                    done = number * plan.steps + event.step
                    log.write("train", done, {"network": str(number + 1), "loss": event.loss, "seconds": event.seconds})
                    pace.took(event.seconds)
                    left_s = pace.left_s(count * plan.steps - done)
                    yield TrainingProgress(
                        done, count * plan.steps, f"Network {number + 1} of {count}", event.loss, left_s
                    )

    def _write(self, base: Base, backbone_licence: str, figures: dict[str, str]) -> None:
        facts = {"backbone": AS_PUBLISHED, "backbone_licence": backbone_licence}
        told = Told(_summary(self._recipe), _FAILURES, figures, facts)
        data = Data(self._train, self._validation)
        write_trained(base, self._folder / "base", self._recipe, self._text, data, told)


def _labelled(corpus: Corpus) -> Corpus:
    """The corpus, if there is anything to tell apart in it."""
    if len({clip.label for clip in corpus.clips if clip.label}) < 2:
        raise CorpusError(f"{corpus.name} has clips of one emotion only.", "Take it out of the recipe.")
    return corpus


def _summary(recipe: ClosedFormRecipe) -> str:
    layers = " and ".join(str(layer) for layer in recipe.read_layers)
    trained = "discriminant directions of the mean over time, over (corpus, emotion) groups"
    if isinstance(recipe, SupervisedRecipe):
        trained += (
            f", beside {recipe.networks.count} small networks with attentive statistics pooling, trained on each "
            "corpus's own emotions, with the same emotion by other speakers drawn near"
        )
    return (
        f"A base for few-shot speech emotion recognition: frames of layers {layers} of {recipe.base.start}; {trained}."
    )
