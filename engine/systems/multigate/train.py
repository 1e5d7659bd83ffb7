"""The training of the multi-gating base, from corpora to a base folder."""

import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.base_folder import Base
from engine.device import resolve_device
from engine.encoder import EmotionEncoder
from engine.metalearning.checkpoints import read_position
from engine.metalearning.corpora import Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import Trained as BaseTrained
from engine.metalearning.events import TrainingEvent, TrainingProgress, left_out_remarks
from engine.metalearning.few_shot_figures import figures_as_recommended
from engine.metalearning.model_card import Data, inherited_licence
from engine.metalearning.pace import Pace
from engine.metalearning.run_log import RunLog
from engine.metalearning.trained_base import Told, write_trained
from engine.systems.catalogue import CATALOGUE
from engine.systems.multigate.languages import Language, cache_language
from engine.systems.multigate.recipe import MultiGateRecipe, StreamsSection, stream_name
from engine.systems.multigate.streams import StreamsBackbone, open_stream
from engine.systems.multigate.training import StepDone, Trained, train_network

_CACHE, _CHECKPOINT = "frames", "checkpoint"
_COLUMNS = ("loss", "seconds")
_VOICE = """\
- The gates look at the speaker's voice: speakers who are not among the labelled ones are recognised less often.
"""
_FAILURES = """\
- Adapting trains a gate and a tower on a few clips: with one or two a label they learn the clips by heart.
{voice}- The corpora are acted; spontaneous emotion is weaker and is recognised less often."""


def train(
    recipe: MultiGateRecipe, corpora_root: Path, run_folder: Path, *, device: str, recipe_text: str
) -> Iterator[TrainingEvent]:
    """Train by `recipe`. Raises CorpusError, RecipeError, BaseError, AudioError, DeviceError."""
    corpora = [read_corpus(name, corpora_root / name) for name in recipe.data.corpora]
    validation = [read_corpus(name, corpora_root / name) for name in recipe.data.validation]
    for corpus in (*corpora, *validation):
        yield from left_out_remarks(corpus.name, corpus)
    yield TrainingProgress(0, 0, "Loading the feature streams")
    backbone, licence = open_streams(recipe.streams)
    backbone.to(resolve_device(device))
    languages = yield from cache_languages(
        corpora, backbone, run_folder / _CACHE, recipe.streams.augmented, recipe.seed
    )
    backbone.cpu()
    checkpoint = run_folder / _CHECKPOINT / "network.safetensors"
    trained = yield from _train(recipe, backbone, languages, digest_of(corpora, corpora_root), checkpoint)
    network = trained.network.for_new_language(kept=trained.network.languages)
    base = Base(
        recipe.name,
        EmotionEncoder(backbone, network),
        standardised=False,
        licence=inherited_licence(licence, recipe.data.corpora),
        recommended=CATALOGUE["multigate"].recommended,
    )
    base.encoder.to(resolve_device(device))
    figures = yield from figures_as_recommended(base, validation, recipe.validation_episodes, recipe.seed)
    base.encoder.cpu()
    _write(base, _Run(recipe, recipe_text, licence, corpora, validation), figures, run_folder / "base")
    shutil.rmtree(checkpoint.parent, ignore_errors=True)
    yield BaseTrained(run_folder / "base")


def open_streams(section: StreamsSection) -> tuple[StreamsBackbone, str]:
    """The streams of a recipe as one backbone, on the CPU, and the licences of their weights."""
    opened = [open_stream(name) for name in section.names]
    licences = [f"{stream.name}: {licence}" for stream, licence in opened if len(list(stream.parameters()))]
    return StreamsBackbone([stream for stream, _ in opened]), "; ".join(licences)


def cache_languages(
    corpora: list[Corpus], backbone: StreamsBackbone, folder: Path, augmented: int, seed: int
) -> Generator[TrainingProgress, None, list[Language]]:
    """What the streams make of the corpora, computed where it is not kept in `folder`."""
    total = sum(len(corpus.clips) for corpus in corpora) * (1 + augmented) * len(backbone.members)
    done, languages = 0, []
    for corpus in corpora:
        caching = cache_language(corpus, backbone, folder, augmented, seed)
        while True:
            try:
                done += next(caching).done
            except StopIteration as finished:
                languages.append(finished.value)
                break
            yield TrainingProgress(done, total, f"Features of {corpus.name}")
    return languages


def _train(
    recipe: MultiGateRecipe, backbone: StreamsBackbone, languages: list[Language], clips: str, checkpoint: Path
) -> Generator[TrainingProgress, None, Trained]:
    pace, plan = Pace(), recipe.training
    done = read_position(checkpoint).step if checkpoint.is_file() else 0
    training = train_network(
        backbone, languages, recipe.streams.selector, recipe.network, plan, recipe.seed, clips, checkpoint
    )
    with RunLog(checkpoint.parents[1], _COLUMNS, done) as log:
        for event in training:
            if isinstance(event, StepDone):
                log.write("train", event.step, {"loss": event.loss, "seconds": event.seconds})
                pace.took(event.seconds)
                left_s = pace.left_s(event.steps - event.step)
                yield TrainingProgress(event.step, event.steps, "Training", event.loss, left_s)
            else:
                trained = event
    return trained


@dataclass(frozen=True)
class _Run:
    """What a model card tells of a training."""

    recipe: MultiGateRecipe
    text: str
    licence: str
    corpora: list[Corpus]
    validation: list[Corpus]


def _write(base: Base, run: _Run, figures: dict[str, str], folder: Path) -> None:
    streams = run.recipe.streams
    names = ", ".join(map(stream_name, streams.names))
    summary = (
        "Multi-gating with neural architecture search (Wang et al.): frozen feature streams "
        f"({names}), encoded, weighted and connected for every language; adapting adds a language."
    )
    failures = _FAILURES.format(voice=_VOICE if streams.selector == "ge2e" else "")
    told = Told(summary, failures, figures, {"backbone": "as published", "backbone_licence": run.licence})
    write_trained(base, folder, run.recipe, run.text, Data(run.corpora, run.validation), told)
