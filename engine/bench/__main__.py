"""How fast adapting and classifying are on this machine: `python -m engine.bench --clips FOLDER`.

For the bundled base and for a network of XLS-R 300M's shape with random weights: seconds a step and an adaptation
(4 x 5 clips of 3 s, 25 steps) of the plain loops of the papers and of ours, as ratios; peak memory; the time that the
sums alone would take at the measured rate of a matrix product; latency of classifying 1, 2, 3 and 5 s; clips a second
in batches, beside what that rate allows (`--part classifying`: no more than that, a minute on a GPU). Prints Markdown.
The other modules here measure one thing each: `compact` a base's size and speed, `few_shot` and `egemaps` accuracy.
"""

import argparse
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from engine.bench.adaptation import STEPS, VARIANTS, Measured, Variant, measure_each
from engine.bench.arithmetic import matrix_rate
from engine.bench.latency import LENGTHS_S, classifier, in_batches, latencies_ms
from engine.bench.subjects import SUBJECTS, XLSR, make_base, read_recording
from engine.device import describe_device, has_fast_bf16, resolve_device
from engine.precision import available_precisions, prepare_for_classifying

_PARTS = _CLASSIFYING, _ADAPTING = "classifying", "adapting"


def main() -> None:
    """Measure, telling each figure as it comes, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, required=True, help="a folder of recordings")
    parser.add_argument("--subjects", nargs="+", choices=SUBJECTS, default=SUBJECTS)
    parser.add_argument("--part", choices=_PARTS, help="measure one of the two [default: both]")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, help="steps timed a variant [default: 5, of XLS-R on a processor 2]")
    parser.add_argument("--out", type=Path, help="a file that the tables are added to")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    rates = {dtype: matrix_rate(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    tell = partial(_tell, arguments.out)
    tell(["", f"## {datetime.now(UTC):%Y-%m-%d} · {describe_device(device)}", "", *_machine(rates)])
    for subject in arguments.subjects:
        if arguments.part != _ADAPTING:
            tell(_classifying_table(subject, arguments.clips, rates, device))
        if arguments.part != _CLASSIFYING:
            steps = arguments.steps or (2 if subject == XLSR and device.type == "cpu" else 5)
            results = measure_each(subject, VARIANTS, arguments.clips, str(device), steps)
            for lines in _adaptation_table(subject, results, rates, device):
                tell(lines)


def _tell(file: Path | None, lines: Sequence[str]) -> None:
    """Print a part as soon as it is there, and add it to `file`: a run takes most of an hour on a processor."""
    text = "\n".join(lines) + "\n"
    print(text, end="", flush=True)
    if file is not None:
        with file.open("a", encoding="utf-8") as out:
            out.write(text)


def _machine(rates: dict[torch.dtype, float]) -> list[str]:
    """What the figures depend on."""
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    products = ", ".join(f"{str(dtype).removeprefix('torch.')} {rate / 1e9:,.0f}" for dtype, rate in rates.items())
    return [
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__} with "
        f"{torch.get_num_threads()} threads{load}. A matrix product of the layers' size, GFLOP/s: {products}.",
    ]


def _adaptation_table(
    subject: str,
    results: Iterable[tuple[Variant, Measured | None]],
    rates: dict[torch.dtype, float],
    device: torch.device,
) -> Iterator[list[str]]:
    """Heading, and row by row as it is measured. The first variant is what the others are held against."""
    yield [
        "",
        f"**{subject}, adapting to 4 x 5 clips of 3 s, {STEPS} steps**",
        "",
        "| variant | s a step | s once | s in all | times faster than (a) | its sums, s | over these | GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    plain_s = None
    for number, (variant, measured) in enumerate(results):
        if measured is None:
            yield [f"| {variant.name} | does not fit | | | | | | |"]
            continue
        plain_s = measured.adaptation_s if number == 0 else plain_s
        ratio = "" if plain_s is None else f"{plain_s / measured.adaptation_s:.1f}"
        halved = variant.reference is None and variant.precision == "auto" and has_fast_bf16(device)
        floor_s = measured.adaptation_flops / rates[torch.bfloat16 if halved else torch.float32]
        peak = "" if measured.peak_bytes is None else f"{measured.peak_bytes / 1e9:.1f}"
        yield [
            f"| {variant.name} | {measured.step_s:.3g} | {measured.once_s:.3g} | {measured.adaptation_s:.3g} | "
            f"{ratio} | {floor_s:.3g} | {measured.adaptation_s / floor_s:.1f} | {peak} |"
        ]


def _classifying_table(subject: str, clips: Path, rates: dict[torch.dtype, float], device: torch.device) -> list[str]:
    recording = read_recording(clips)
    lines = [
        "",
        f"**{subject}, classifying**, ms: median / 95th percentile of one clip; in batches, clips of 3 s a second",
        "",
        f"| precision | {' | '.join(f'{length:g} s' for length in LENGTHS_S)} "
        "| in batches | its sums alone | of these |",
        "|---|" + "---|" * (len(LENGTHS_S) + 3),
    ]
    exact_flops = 0
    for precision in available_precisions(device):
        model = classifier(prepare_for_classifying(make_base(subject).encoder.to(device), precision))
        cells = ["{:.0f} / {:.0f}".format(*latencies_ms(model, recording, length, device)) for length in LENGTHS_S]
        batched = in_batches(model, recording, device)
        exact_flops = exact_flops or batched.clip_flops  # of fp32: a quantised product is not counted
        most = rates[torch.float32 if precision == "fp32" else torch.bfloat16] / exact_flops
        floor = ["", ""] if precision == "int8" else [f"{most:,.1f}", f"{batched.clips_per_s / most:.0%}"]
        lines.append(f"| {precision} | {' | '.join([*cells, f'{batched.clips_per_s:,.1f}', *floor])} |")
    return lines


if __name__ == "__main__":
    main()
