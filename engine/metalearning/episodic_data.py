"""Corpora and samplers of an episodic recipe, and what the user should know of them. No torch."""

from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import CorpusError
from engine.metalearning.corpora import Corpus, Task, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.episodes import TrainingSampler
from engine.metalearning.episodic_recipe import EpisodicRecipe
from engine.metalearning.events import TrainingRemark, left_out_remarks
from engine.metalearning.splits import split_corpus

_TRAINING, _VALIDATION = 1, 2  # streams of random numbers that never meet


@dataclass(frozen=True)
class EpisodicData:
    """`digest` stands for the clips: a run is not taken up on others. `validation_sampler` is None without data."""

    train: tuple[Corpus, ...]
    validation: tuple[Corpus, ...]
    sampler: TrainingSampler
    validation_sampler: TrainingSampler | None
    digest: str
    remarks: tuple[TrainingRemark, ...]


def read_data(recipe: EpisodicRecipe, corpora_root: Path) -> EpisodicData:
    """Read, split and check the recipe's corpora. Raises CorpusError."""
    # section 4.2 filters the emotional corpora only; of a longer clip of the others the first 9.375 s are heard
    keep_all = {} if recipe.episodes.task is Task.EMOTION else {"longest_s": None}
    read = {
        name: read_corpus(name, corpora_root / name, **keep_all)
        for name in (*recipe.data.corpora, *recipe.data.validation)
    }
    shares = [split_corpus(read[name], recipe.split, recipe.seed) for name in recipe.data.corpora]
    train = tuple(share.train for share in shares)
    held_out = [share.validation for share in shares if share.validation.clips]
    validation = (*held_out, *(read[name] for name in recipe.data.validation))
    sampler = TrainingSampler(train, recipe.episodes, (recipe.seed, _TRAINING))
    remarks = [remark for corpus in read.values() for remark in left_out_remarks(corpus.name, corpus)]
    remarks += _left_out(sampler, "trained on")
    validation_sampler = None
    if validation:
        try:
            # a class too small to train on can still be asked for, if it fills an episode
            section = replace(recipe.episodes, fewest_clips=1)
            validation_sampler = TrainingSampler(validation, section, (recipe.seed, _VALIDATION), in_turn=True)
            remarks += _left_out(validation_sampler, "validated on")
        except CorpusError as error:
            raise CorpusError(f"Nothing to validate on. {error.message}", error.hint) from error
    else:
        remarks.append(
            TrainingRemark(
                "Nothing to validate on: every epoch is run.", "Name corpora under validation, or a [split]."
            )
        )
    digest = digest_of((*train, *validation), corpora_root)
    return EpisodicData(train, validation, sampler, validation_sampler, digest, tuple(remarks))


def _left_out(sampler: TrainingSampler, use: str) -> list[TrainingRemark]:
    if not sampler.left_out:
        return []
    return [
        TrainingRemark(f"Not {use}: {'; '.join(sampler.left_out)}.", "An episode needs more clips of more classes.")
    ]
