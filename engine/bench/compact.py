"""How large and how fast a base is on this machine: `python -m engine.bench.compact [BASE] --clips FOLDER`.

Prints the size on disk, the seconds to load (in a fresh process, libraries already imported), the milliseconds to
classify clips of 1, 2, 3 and 5 s (median and 95th percentile), and the seconds to adapt to 4 x 5 clips of 3 s by
every head and by the paper's disjoint split, as the base recommends. Clips are cut from real recordings, for an
encoder may be faster on silence.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from engine.adaptation import Adapted, LabelledClip, adapt, resolve_settings
from engine.adaptation.clips import embed_whole, prepare
from engine.audio.decode import MODEL_RATE_HZ
from engine.bases import Base, load_base
from engine.bench.latency import LENGTHS_S
from engine.bench.subjects import LABELS, Samples, labelled_clips, read_recording
from engine.choices import HEADS
from engine.device import describe_device, resolve_device
from engine.resources import resource

T = TypeVar("T")
_REPEATS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?", default="compact", help="compact, or the folder of a base")
    parser.add_argument("--clips", type=Path, required=True, help="a folder of recordings")
    arguments = parser.parse_args()
    recording = read_recording(arguments.clips)
    folder = resource("bases/compact") if arguments.base == "compact" else Path(arguments.base)
    print(f"machine: {describe_device(resolve_device('cpu'))}")
    print(f"size on disk: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.1f} MB")
    base, load_s = _timed(partial(load_base, arguments.base))
    print(f"load: {load_s:.2f} s")
    for length_s in LENGTHS_S:
        times = [1000 * seconds for seconds in _classifications(base, recording, length_s)]
        middle, high = np.percentile(times, [50, 95])
        print(f"classify {length_s:g} s: median {middle:.0f} ms, 95th percentile {high:.0f} ms")
    for method in (*HEADS, "disjoint"):
        adapted, seconds = _timed(partial(_adapt, base, recording, method))
        settings = adapted.settings
        steps = f", {settings.steps} steps of {settings.trained}" if settings.tunes else ""
        print(f"adapt to 4 x 5 clips of 3 s, {method}{steps}: {seconds:.1f} s")


def _classifications(base: Base, recording: Samples, length_s: float) -> Iterator[float]:
    """Seconds from samples to an embedding, which is all of a classification but a product of 4 rows."""
    length = round(length_s * MODEL_RATE_HZ)
    for turn in range(_REPEATS + 3):
        start = (turn * length) % (len(recording) - length)
        clip = LabelledClip((recording[start : start + length],), 0)
        _, seconds = _timed(partial(_embed, base, clip))
        if turn >= 3:  # the first few warm up
            yield seconds


def _embed(base: Base, clip: LabelledClip) -> None:
    embed_whole(base.encoder, prepare(base.encoder, [clip]))


def _adapt(base: Base, recording: Samples, method: str) -> Adapted:
    settings = resolve_settings(base.recommended, method=method)
    *_, adapted = adapt(base, labelled_clips(recording), LABELS, settings)
    assert isinstance(adapted, Adapted)
    return adapted


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
