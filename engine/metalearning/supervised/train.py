"""The two trainings of the compact base, from corpora to a base folder."""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from engine.adaptation import AdaptationSettings
from engine.base_folder import Base
from engine.choices import HEADS, Protocol, Recommended
from engine.device import resolve_device
from engine.encoder import EmotionEncoder
from engine.errors import CorpusError
from engine.extractors import PooledExtractor
from engine.metalearning.checkpoints import read_position
from engine.metalearning.corpora import Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, left_out_remarks
from engine.metalearning.few_shot_figures import few_shot_figures
from engine.metalearning.model_card import Data, inherited_licence
from engine.metalearning.pace import Pace
from engine.metalearning.run_log import RunLog
from engine.metalearning.start import AS_PUBLISHED, TUNED, Start, load_start
from engine.metalearning.supervised.frame_cache import CachedCorpus, ClipsCached, cache_corpus, cache_inputs
from engine.metalearning.supervised.mixing import closed_form_part, known_emotions, mix
from engine.metalearning.supervised.network import NetworkTraining, StepDone, channel_statistics
from engine.metalearning.supervised.recipe import ClosedFormRecipe, SupervisedRecipe
from engine.metalearning.trained_base import Told, write_trained

_FRAMES, _INPUTS, _CHECKPOINT = "frames", "inputs", "networks.safetensors"
_VALIDATION_EPISODES = 200
_COLUMNS = ("loss", "seconds")
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
        self._device = device
        self._train = [_labelled(read_corpus(name, root / name)) for name in recipe.data.corpora]
        self._validation = [read_corpus(name, root / name) for name in recipe.data.validation]
        self._digest = digest_of(self._train, root)
        self._cached: list[CachedCorpus] = []

    def run(self) -> Iterator[TrainingEvent]:
        for corpus in (*self._train, *self._validation):
            yield from left_out_remarks(corpus.name, corpus)
        yield TrainingProgress(0, 0, "Loading the encoder")
        start = load_start(self._recipe.base.start, self._recipe.read_layers)
        start.backbone.eval().to(self._device)
        yield from self._frames(start)
        networks: Sequence[PooledExtractor] = ()
        weights, mixture = [1.0], None
        if isinstance(self._recipe, SupervisedRecipe):
            networks = yield from self._networks(self._recipe, start)
            if _tunes(self._recipe):
                yield from self._frames(start)
            # all networks together have the say of the closed form times their weight
            share = self._recipe.networks.weight / math.sqrt(self._recipe.networks.count)
            weights += [share] * self._recipe.networks.count
            mixture = self._recipe.mixture
        start.backbone.cpu()
        size, layers = start.backbone.hidden_size, len(start.backbone.read_layers)
        closed_form = closed_form_part(self._cached, self._recipe.discriminant, size, layers)
        extractor = mix([closed_form, *networks], weights, self._cached, mixture)
        base = Base(
            self._recipe.name,
            EmotionEncoder(start.backbone, extractor),
            standardised=False,
            licence=inherited_licence(start.licence, self._recipe.data.corpora),
            recommended=Recommended(**asdict(self._recipe.adaptation)),
            emotions=known_emotions(extractor, self._cached),
        )
        heads = {head: AdaptationSettings(method=head) for head in HEADS}
        protocols = tuple(Protocol)
        figures = yield from few_shot_figures(
            base, self._validation, heads, protocols, _VALIDATION_EPISODES, self._recipe.seed
        )
        self._write(base, start.licence, figures)
        (self._folder / _CHECKPOINT).unlink(missing_ok=True)
        yield Trained(self._folder / "base")

    def _frames(self, start: Start) -> Iterator[TrainingProgress]:
        """Frames of the clean clips by the encoder as it is: of the closed form, and of the statistics of all parts."""
        folder = self._folder / _FRAMES
        runs = [cache_corpus(corpus, start.backbone, folder, 0, self._recipe.seed) for corpus in self._train]
        self._cached = yield from self._kept(runs, 1, "Frames")

    def _kept(
        self, runs: Sequence[Iterator[ClipsCached | CachedCorpus]], views: int, what: str
    ) -> Generator[TrainingProgress, None, list[CachedCorpus]]:
        """Run the caches of all corpora to their ends."""
        total = sum(len(corpus.clips) for corpus in self._train) * views
        done, kept = 0, []
        for corpus, events in zip(self._train, runs, strict=True):
            for event in events:
                if isinstance(event, ClipsCached):
                    done += event.done
                    yield TrainingProgress(done, total, f"{what} of {corpus.name}")
                else:
                    kept.append(event)
        return kept

    def _networks(
        self, recipe: SupervisedRecipe, start: Start
    ) -> Generator[TrainingProgress, None, Sequence[PooledExtractor]]:
        """Train the networks, and the encoder where the recipe says so."""
        views, folder = recipe.views.augmented, self._folder / _INPUTS
        runs = [cache_inputs(corpus, start.backbone, folder, views, recipe.seed) for corpus in self._train]
        inputs = yield from self._kept(runs, 1 + views, "Altered copies")
        training = NetworkTraining(recipe, inputs, start.backbone, channel_statistics(self._cached))
        checkpoint = self._folder / _CHECKPOINT
        done = read_position(checkpoint).step if checkpoint.is_file() else 0
        steps, pace = recipe.training.steps, Pace()
        networks: Sequence[PooledExtractor] = ()
        with RunLog(self._folder, _COLUMNS, done) as log:
            for event in training.run(self._digest, checkpoint):
                if isinstance(event, StepDone):
                    log.write("train", event.step, {"loss": event.loss, "seconds": event.seconds})
                    pace.took(event.seconds)
                    left_s = pace.left_s(steps - event.step)
                    yield TrainingProgress(event.step, steps, "Training the networks", event.loss, left_s)
                else:
                    networks = event
        return networks

    def _write(self, base: Base, backbone_licence: str, figures: dict[str, str]) -> None:
        facts = {"backbone": TUNED if _tunes(self._recipe) else AS_PUBLISHED, "backbone_licence": backbone_licence}
        told = Told(_summary(self._recipe), _FAILURES, figures, facts, self._recipe.card.notes)
        data = Data(self._train, self._validation)
        write_trained(base, self._folder / "base", self._recipe, self._text, data, told)


def _tunes(recipe: ClosedFormRecipe) -> bool:
    """Whether the encoder itself is tuned."""
    return isinstance(recipe, SupervisedRecipe) and recipe.training.encoder_rate > 0


def _labelled(corpus: Corpus) -> Corpus:
    """The corpus, if there is anything to tell apart in it."""
    if len({clip.label for clip in corpus.clips if clip.label}) < 2:
        raise CorpusError(f"{corpus.name} has clips of one emotion only.", "Take it out of the recipe.")
    return corpus


def _summary(recipe: ClosedFormRecipe) -> str:
    *lower, highest = (str(layer) for layer in recipe.read_layers)
    layers = f"{', '.join(lower)} and {highest}" if lower else highest
    encoder = f"{recipe.base.start}{', tuned' if _tunes(recipe) else ''}"
    trained = "discriminant directions of the mean over time, over (corpus, emotion) groups"
    if isinstance(recipe, SupervisedRecipe):
        trained += (
            f", beside {recipe.networks.count} small networks with attentive statistics pooling, trained on each "
            "corpus's own emotions, with the same emotion by other speakers drawn near, on altered pieces; of "
            f"all together the {recipe.mixture.size} strongest directions, flattened by {recipe.mixture.flattening:g}"
        )
    return f"A base for few-shot speech emotion recognition: frames of layers {layers} of {encoder}; {trained}."
