"""The part of the benchmark that measures adapting: the measuring stick is the same network, and the table is whole."""

import re
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import torch

from engine.bases import load_base
from engine.bench import __main__ as benchmark
from engine.bench import adaptation, subjects
from engine.bench.adaptation import Measured, Variant, measure, measure_each
from engine.bench.subjects import COMPACT, as_tensors, labelled_clips, make_reference, read_recording
from engine.errors import MemoryShortError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def short_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "CLIP_S", 0.2)


@torch.no_grad()
def test_the_plain_loop_tunes_the_very_network_that_ours_does(corpora_root: Path) -> None:
    clips = labelled_clips(read_recording(corpora_root))
    theirs = make_reference(COMPACT)(as_tensors(clips, CPU).waves, augmented=False)
    encoder = load_base().encoder
    ours = encoder.embed([encoder.front_end(clip.windows[0]) for clip in clips])
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "variant",
    [
        Variant("plain", reference="disjoint"),
        Variant("projection", trained="projection"),
        Variant("head", method="lda"),
    ],
)
def test_every_kind_of_variant_is_measured(variant: Variant, corpora_root: Path) -> None:
    measured = measure(COMPACT, variant, corpora_root, "cpu", 2)
    assert measured.adaptation_s > 0
    assert measured.adaptation_flops > 1e9
    assert (measured.step_s > 0) == (measured.step_flops > 0) == (variant.method == "disjoint")


def test_the_table_goes_on_where_a_variant_does_not_fit(
    corpora_root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    variants = (Variant("plain"), Variant("large"), Variant("ours"))

    def measured(*_: object) -> Iterator[tuple[Variant, Measured | None]]:
        plain, ours = Measured(2.0, 0.0, 10**9, 0, None), Measured(0.4, 2.5, 10**9, 5, 3_000_000_000)
        yield from zip(variants, (plain, None, ours), strict=True)

    monkeypatch.setattr(benchmark, "measure_each", measured)
    monkeypatch.setattr(benchmark, "matrix_rate", lambda device, dtype: 1e9)
    out = tmp_path / "bench.md"
    arguments = ["--clips", str(corpora_root), "--part", "adapting", "--subjects", "compact", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["bench", *arguments, "--device", "cpu"])
    benchmark.main()
    told = capsys.readouterr().out
    assert out.read_text() == told
    rows = re.findall(r"^\| (.*) \|$", told, re.MULTILINE)[1:]
    assert rows == [
        "plain | 2 | 0 | 50 | 1.0 | 25 | 2.0 | ",
        "large | does not fit | | | | | |",
        "ours | 0.4 | 2.5 | 12.5 | 4.0 | 25 | 0.5 | 3.0",
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), None),
        (MemoryShortError("There is too little memory for this."), None),
        (BrokenProcessPool(), None),
        (RuntimeError("a bug"), RuntimeError),
    ],
)
def test_only_want_of_memory_is_passed_over(
    error: Exception, told: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pool:
        """Runs nothing, and ends as the process of a variant may."""

        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> "Pool":
            return self

        def __exit__(self, *_: object) -> None: ...
        def submit(self, *_: object) -> "Pool":
            return self

        def result(self) -> Measured:
            raise error

    monkeypatch.setattr(adaptation, "ProcessPoolExecutor", Pool)
    run = measure_each(COMPACT, (Variant("large"),), Path(), "cpu", 2)
    if told is None:
        assert [result for _, result in run] == [None]
    else:
        with pytest.raises(told):
            list(run)
