"""What a base gives where it is adapted to a handful of clips of a corpus that it was not trained on."""

from collections.abc import Generator, Sequence

import numpy as np

from engine.adaptation import resolve_settings
from engine.base_folder import Base
from engine.choices import Protocol
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import mean_ci95
from engine.metalearning.corpora import Corpus
from engine.metalearning.events import TrainingProgress, TrainingRemark

SHAPE = EpisodeShape(ways=4, shots=5, queries=12)


def few_shot_figures(
    base: Base, corpora: Sequence[Corpus], episodes: int, seed: int
) -> Generator[TrainingProgress | TrainingRemark, None, dict[str, str]]:
    """Accuracy over `episodes`, 4-way 5-shot, query speakers absent from the support, by corpus, in words."""
    figures: dict[str, str] = {}
    if episodes == 0:
        return figures
    for corpus in corpora:
        clips = [EvaluationClip(clip.path, clip.label, clip.speaker) for clip in corpus.clips if clip.label]
        names, speakers = [clip.label for clip in clips], [clip.speaker for clip in clips]
        try:
            sampler = EpisodeSampler(names, speakers, SHAPE, Protocol.NEW_SPEAKERS, seed)
            evaluation = FewShotEvaluation(base, clips, resolve_settings(base.recommended, seed=seed))
            accuracies = []
            for result in evaluation.run(sampler, episodes):
                accuracies.append(result.accuracy)
                yield TrainingProgress(len(accuracies), episodes, f"Adapting to {corpus.name}")
        except ManifestError as error:
            yield TrainingRemark(f"{corpus.name}: not adapted to. {error.message}")
            continue
        what = f"{corpus.name}, new speakers, 4-way 5-shot, {base.recommended.steps} steps, {episodes} episodes, %"
        figures[what] = f"{100 * np.mean(accuracies):.1f} ± {100 * mean_ci95(accuracies):.1f}"
    return figures
