"""What a trained base gives where it is adapted to a handful of clips of a corpus that it was not trained on."""

from collections.abc import Generator, Mapping, Sequence

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.base_folder import Base
from engine.choices import Protocol
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import mean_in_percent
from engine.metalearning.corpora import Corpus
from engine.metalearning.events import TrainingProgress, TrainingRemark

SHAPE = EpisodeShape(ways=4, shots=5, queries=12)


def figures_as_recommended(
    base: Base, corpora: Sequence[Corpus], episodes: int, seed: int
) -> Generator[TrainingProgress | TrainingRemark, None, dict[str, str]]:
    """`few_shot_figures` on new speakers, adapted as `base` recommends."""
    settings = resolve_settings(base.recommended, seed=seed)
    compared = {f"{settings.steps} steps": settings}
    return few_shot_figures(base, corpora, compared, [Protocol.NEW_SPEAKERS], episodes, seed)


def few_shot_figures(
    base: Base,
    corpora: Sequence[Corpus],
    compared: Mapping[str, AdaptationSettings],
    protocols: Sequence[Protocol],
    episodes: int,
    seed: int,
) -> Generator[TrainingProgress | TrainingRemark, None, dict[str, str]]:
    """Accuracy with its 95 % interval, in words, by corpus and protocol, the same `episodes` for all.

    `compared`: settings by what the words shall call them. Without episodes there are no figures.
    """
    figures: dict[str, str] = {}
    if episodes == 0 or not compared:
        return figures
    for corpus in corpora:
        yield TrainingProgress(0, 0, f"Validating on {corpus.name}")
        clips = [EvaluationClip(clip.path, clip.label, clip.speaker) for clip in corpus.clips if clip.label]
        labels, speakers = [clip.label for clip in clips], [clip.speaker for clip in clips]
        evaluation = FewShotEvaluation(base, clips, next(iter(compared.values())))
        for protocol in protocols:
            told = []
            try:
                for name, settings in compared.items():
                    sampler = EpisodeSampler(labels, speakers, SHAPE, protocol, seed)
                    accuracies = []
                    for result in evaluation.with_settings(settings).run(sampler, episodes):
                        accuracies.append(result.accuracy)
                        yield TrainingProgress(len(accuracies), episodes, f"Validating on {corpus.name}: {name}")
                    told.append(f"{name} {mean_in_percent(accuracies)}")
            except ManifestError as error:
                yield TrainingRemark(f"{corpus.name}, {protocol.value}: not validated. {error.message}")
                continue
            shape = f"{SHAPE.ways}-way {SHAPE.shots}-shot"
            figures[f"{corpus.name}, {protocol.value}, {shape}, {episodes} episodes, %"] = ", ".join(told)
    return figures
