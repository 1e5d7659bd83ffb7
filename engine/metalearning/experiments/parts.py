"""Which clips of a corpus an experiment measures (main paper, section 4.5 and Table 3). No torch."""

from engine.choices import Protocol
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.metalearning.corpora import Corpus, CorpusClip
from engine.metalearning.episodic_recipe import EpisodicRecipe, SplitSection
from engine.metalearning.experiments.recipe import MeasureSection, Part
from engine.metalearning.splits import split_corpus


def clips_of(corpus: Corpus, part: Part, training: EpisodicRecipe, measure: MeasureSection) -> tuple[CorpusClip, ...]:
    """The clips of `part` that have an emotion which is drawn, in the order of their paths.

    Of a corpus that is trained on, what the training holds out; of one that is cut, its two parts; any other is all
    test. The cut is the training's (its seed), so that no clip that one table tunes on is tested in another.
    """
    if corpus.name in training.data.corpora:
        shares = split_corpus(corpus, training.split, training.seed)
        clips = shares.test.clips if part is Part.TEST else shares.validation.clips
    elif corpus.name in measure.cut:
        shares = split_corpus(corpus, SplitSection(test=measure.test_share), training.seed)
        clips = shares.test.clips if part is Part.TEST else shares.train.clips
    else:
        clips = corpus.clips if part is Part.TEST else ()
    return tuple(clip for clip in clips if clip.label and clip.label not in measure.left_out_labels)


def sampler_of(
    clips: tuple[CorpusClip, ...], shots: int, measure: MeasureSection, protocol: Protocol, seed: int
) -> EpisodeSampler:
    """Episodes over `clips`; the same ones whatever is measured on them. Raises ManifestError if they are too few."""
    labels = [clip.label or "" for clip in clips]
    shape = EpisodeShape(measure.ways, shots, measure.queries)
    return EpisodeSampler(labels, [clip.speaker for clip in clips], shape, protocol, seed)
