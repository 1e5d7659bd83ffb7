"""How far classical features get: eGeMAPSv02 with logistic regression and nearest centroids, side by side.

    python -m engine.bench.egemaps --corpora ../shared/corpora [emodb emovo nemo turev-db]
        [--ways 4] [--shots 5] [--queries 12] [--episodes 200] [--seed 0] [--cache FOLDER]

The episodes are those of `serstudio evaluate --manifest FOLDER/emodb/manifest.csv` with the same numbers and seed:
the rows in the manifest's order, with the manifest's own labels, through the same `EpisodeSampler`.

The 88 functionals (Eyben et al. 2016) are computed by openSMILE, whose licence is not ours: it is for development
only (`pip install -e .[bench]`) and nothing that ships imports it. They are kept in --cache, outside the repository.
Each feature is scaled to mean 0 and standard deviation 1 over the whole corpus, for their units differ by orders of
magnitude; no label is used for that. The heads are the app's own.
"""

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray

from engine.audio.decode import read_audio
from engine.choices import Protocol
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.metrics import mean_in_percent
from engine.heads import fit_head
from engine.metalearning.corpora.tables import read_rows

CORPORA = ("emodb", "emovo", "nemo", "turev-db")
HEADS = ("logistic", "prototypes")
PROTOCOLS = (Protocol.NEW_SPEAKERS, Protocol.RANDOM)


@dataclass(frozen=True)
class Features:
    """values: (clips, 88) float32, in the order of the manifest's rows that have a label and a file."""

    values: NDArray[np.float32]
    labels: tuple[str, ...]
    speakers: tuple[str | None, ...]


def main() -> None:
    """Print one row a corpus and head: accuracy in percent with CI95, new speakers and random."""
    options = _options()
    shape = EpisodeShape(options.ways, options.shots, options.queries)
    print(f"eGeMAPSv02, {shape.ways}-way {shape.shots}-shot, {shape.queries} queries, {options.episodes} episodes")
    print(f"{'corpus':<12}{'head':<12}" + "".join(f"{protocol.value:>16}" for protocol in PROTOCOLS))
    for name in options.names:
        features = load_features(options.corpora / name / "manifest.csv", options.cache)
        for kind in HEADS:
            cells = []
            for protocol in PROTOCOLS:
                sampler = EpisodeSampler(features.labels, features.speakers, shape, protocol, options.seed)
                accuracies = list(episode_accuracies(features, sampler, kind, options.episodes))
                cells.append(mean_in_percent(accuracies))
            print(f"{name:<12}{kind:<12}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.bench.egemaps", description="eGeMAPS on our episodes.")
    parser.add_argument("names", nargs="*", default=CORPORA, metavar="CORPUS", help="folders with a manifest.csv")
    parser.add_argument("--corpora", type=Path, required=True, metavar="FOLDER", help="where these folders are")
    parser.add_argument("--ways", type=int, default=4)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--queries", type=int, default=12)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=platformdirs.user_cache_path("serstudio") / "egemaps")
    return parser.parse_args()


def episode_accuracies(features: Features, sampler: EpisodeSampler, kind: str, episodes: int) -> Iterator[float]:
    """The accuracy of a head of `kind` in each episode."""
    embeddings = torch.from_numpy(standardise(features.values))
    for _ in range(episodes):
        episode = sampler.draw()
        support = [position for members in episode.support for position in members]
        ways = torch.tensor([way for way, members in enumerate(episode.support) for _ in members])
        head = fit_head(kind, embeddings[support], ways, len(episode.labels), standardised=False, calibrated=False)
        asked = [position for members in episode.query for position in members]
        true = torch.tensor([way for way, members in enumerate(episode.query) for _ in members])
        yield float((head.logits(embeddings[asked]).argmax(-1) == true).float().mean())


def standardise(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(clips, features) with mean 0 and standard deviation 1 over the clips; a constant feature becomes 0."""
    spread = values.std(0)
    scaled: NDArray[np.float32] = ((values - values.mean(0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    return scaled


def load_features(manifest: Path, cache: Path) -> Features:
    """The functionals of a manifest's clips, from the cache if that manifest was here before."""
    rows = [row for row in read_rows(manifest, ("file", "label")) if row["label"]]
    rows = [row for row in rows if (manifest.parent / row["file"]).is_file()]
    key = hashlib.sha256("\n".join(row["file"] for row in rows).encode()).hexdigest()[:16]
    kept = cache / f"{manifest.parent.name}-{key}.npy"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, _compute([manifest.parent / row["file"] for row in rows]))
    speakers = tuple(row.get("speaker") or None for row in rows)
    return Features(np.load(kept), tuple(row["label"] for row in rows), speakers)


def _compute(files: list[Path]) -> NDArray[np.float32]:
    import opensmile  # development only

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    values = np.empty((len(files), len(smile.feature_names)), np.float32)
    for position, file in enumerate(files):
        values[position] = smile.process_signal(*read_audio(file)).to_numpy()[0]
    return np.nan_to_num(values)


if __name__ == "__main__":
    main()
