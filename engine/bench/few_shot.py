"""What a base gives on corpora that it has not heard: one table, all heads on the same episodes.

    python -m engine.bench.few_shot [BASE] --corpora FOLDER --names emodb emovo turev-db [--episodes 200] [--seed 0]

4-way at 1, 5 and 20 shots, then 5-shot at 3 to 7 ways, 12 queries a label, new speakers and random. Accuracy in % with
CI95 over the episodes. A cell whose episodes the corpus cannot fill is empty. Nothing is tuned: for methods that tune
see `serstudio evaluate --method`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine.adaptation import AdaptationSettings
from engine.bases import load_base
from engine.choices import HEADS, Protocol
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import mean_in_percent
from engine.metalearning.corpora import read_corpus

QUERIES = 12
SHAPES = tuple(EpisodeShape(4, shots, QUERIES) for shots in (1, 5, 20)) + tuple(
    EpisodeShape(ways, 5, QUERIES) for ways in (3, 5, 6, 7)
)


def main() -> None:
    """Print a Markdown table a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?", default="compact", help="compact, or the folder of a base")
    parser.add_argument("--corpora", type=Path, required=True, help="the folder that holds one folder a corpus")
    parser.add_argument("--names", nargs="+", required=True, help="corpora to measure on")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    base = load_base(arguments.base)
    for name in arguments.names:
        corpus = read_corpus(name, arguments.corpora / name, longest_s=None)
        clips = [EvaluationClip(clip.path, clip.label, clip.speaker) for clip in corpus.clips if clip.label]
        evaluation = FewShotEvaluation(base, clips, AdaptationSettings(method=HEADS[0]))
        print(f"\n**{name}**, new speakers / random\n")
        print("| episodes | " + " | ".join(HEADS) + " |\n|---" + "|---" * len(HEADS) + "|")
        for shape in SHAPES:
            cells = [_cell(evaluation, clips, shape, head, arguments.episodes, arguments.seed) for head in HEADS]
            print(f"| {shape.ways}-way {shape.shots}-shot | " + " | ".join(cells) + " |", flush=True)


def _cell(
    evaluation: FewShotEvaluation,
    clips: Sequence[EvaluationClip],
    shape: EpisodeShape,
    head: str,
    episodes: int,
    seed: int,
) -> str:
    figures = []
    for protocol in (Protocol.NEW_SPEAKERS, Protocol.RANDOM):
        labels, speakers = [clip.label for clip in clips], [clip.speaker for clip in clips]
        settings = AdaptationSettings(method=head)
        try:
            sampler = EpisodeSampler(labels, speakers, shape, protocol, seed)
            accuracies = [result.accuracy for result in evaluation.with_settings(settings).run(sampler, episodes)]
        except ManifestError:
            figures.append("")
            continue
        figures.append(mean_in_percent(accuracies))
    return " / ".join(figures)


if __name__ == "__main__":
    main()
