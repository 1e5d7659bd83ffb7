"""In which precision this machine classifies best with an encoder: measured once, in about two seconds, and kept.

On the processor each of bf16 and int8 is tried on some of the encoder's own layers with what they really get from a
voice of 2 s, the window of live decisions. The first that is worth it is taken, bf16 first: it is the more exact.
Nothing is measured on a GPU: large encoders take bf16 where it is fast there.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from engine.audio.decode import MODEL_RATE_HZ
from engine.backbones import Backbone
from engine.device import has_fast_bf16
from engine.encoder import EmotionEncoder
from engine.errors import DeviceError
from engine.measurements import Others, can_keep, keep_measurement, measurement_file, read_measurement
from engine.quantised import lighten

T = TypeVar("T")

_RULES = 1  # a new number when what is measured or how it is judged changes
_CANDIDATES = ("bf16", "int8")  # the more exact first
_WINDOW_S = 2.0
_SMALL_PARAMETERS = 1_000_000  # of the layers: fewer gain nothing that anybody could see
_WORTH = 1.25  # times as fast, the whole window
# Of what a layer changes. Measured on the bundled base: bf16 .006 and int8 .028, which cost no accuracy (5-shot on
# EmoDB 88.2 with all three); int8 with 7 bits .051, which costs .3 points; where sums overflow .12 and more.
_MOST_ERROR = 0.04
_LAYERS_TRIED = 4
_MOST_S = 2.0  # spent on measuring; on a slow machine fewer layers are tried
_TRIES = 5
_MOST_S_A_TRY = 0.15
_GUESS_HOLDS_S = 3600.0  # then a busy machine is measured again
_LARGE_PARAMETERS = 50_000_000


@dataclass(frozen=True)
class PrecisionChoice:
    """What to classify in, and why.

    `window_ms`: milliseconds for 2 s of sound by precision; `errors`: the worst of the tried layers' relative
    deviations from fp32. Both are empty where nothing was measured.
    """

    precision: str
    window_ms: Mapping[str, float] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)

    @property
    def speed_up(self) -> float:
        """How many times as fast as fp32; 1 where that is not known."""
        if not self.window_ms:
            return 1.0
        return self.window_ms["fp32"] / self.window_ms[self.precision]


def chosen_precision(encoder: EmotionEncoder) -> str:
    """`choose_precision`, the name alone."""
    return choose_precision(encoder).precision


def choose_precision(encoder: EmotionEncoder) -> PrecisionChoice:
    """The same answer in every process of this machine: what was measured first for this architecture is kept.

    (Else two processes that each measure for themselves might give other answers to the same sound.) Small encoders
    stay in fp32. The processor's flags decide while others keep the machine too busy to measure, for an hour, and
    where nothing can be kept.
    """
    device, parameters = encoder.device, sum(each.numel() for each in encoder.backbone.transformer_layers.parameters())
    if device.type != "cpu":
        return PrecisionChoice("bf16" if parameters >= _LARGE_PARAMETERS and has_fast_bf16(device) else "fp32")
    if parameters < _SMALL_PARAMETERS:
        return PrecisionChoice("fp32")
    file = measurement_file("precision", device, _RULES, encoder.specification())
    kept = _read(file)
    if kept is not None:
        return kept
    if not can_keep(file):
        return _by_flags()
    choice = measure(encoder) or _by_flags()
    first = _read(file)  # another process may have been quicker
    if first is None:
        keep_measurement(file, asdict(choice))
    return first or _read(file) or choice


# --- measuring -------------------------------------------------------------------------------------


@torch.inference_mode()
def measure(encoder: EmotionEncoder) -> PrecisionChoice | None:
    """Time a window in each precision on the processor, and judge. None where the machine is too busy to tell."""
    started, others = time.perf_counter(), Others()
    backbone, samples = encoder.backbone, torch.from_numpy(_voice())
    frames = backbone.encode([backbone.front_end(samples)])  # warms up
    if not others.are_calm:
        return None
    (state, lengths), before_s = _timed(lambda: backbone.first_state([backbone.front_end(samples)], None))
    _, after_s = _timed(lambda: encoder.extractor(frames))
    tried = _Tried(backbone, backbone.surroundings(lengths, state.device))
    layers = np.linspace(0, backbone.depth - 1, min(_LAYERS_TRIED, backbone.depth)).round().astype(int).tolist()
    for index in range(backbone.depth):
        output = backbone.run_layer(index, state, tried.surroundings)
        if index in layers:
            tried.layer(index, state, output)
        state = output
        if time.perf_counter() - started > _MOST_S:
            break
    if not others.are_calm:
        return None
    fixed_s = before_s + after_s
    window_ms = {name: 1000 * (fixed_s + backbone.depth * mean(each)) for name, each in tried.seconds.items() if each}
    errors = {name: max(each) for name, each in tried.errors.items() if each}
    return PrecisionChoice(_judge(window_ms, errors), window_ms, errors)


def _judge(window_ms: Mapping[str, float], errors: Mapping[str, float]) -> str:
    for name in _CANDIDATES:
        if name in window_ms and errors[name] <= _MOST_ERROR and window_ms["fp32"] >= _WORTH * window_ms[name]:
            return name
    return "fp32"


class _Tried:
    """Seconds and relative errors by precision, a value a layer that was tried."""

    def __init__(self, backbone: Backbone, surroundings: object) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in ("fp32", *_CANDIDATES)}
        self.errors: dict[str, list[float]] = {name: [] for name in _CANDIDATES}
        self.surroundings = surroundings
        self._backbone = backbone

    def layer(self, index: int, state: Tensor, exact: Tensor) -> None:
        """Try layer `index` on the `state` that it gets; `exact` is what it makes of it in fp32."""
        _, run_s = _timed(lambda: self._backbone.run_layer(index, state, self.surroundings))
        self.seconds["fp32"].append(run_s)
        for name in _CANDIDATES:
            try:
                output, run_s = self._run_lightened(index, state, name)
            except DeviceError:
                continue  # this machine does not have it
            self.seconds[name].append(run_s)
            change = (exact - state).norm().clamp_min(1e-9)
            self.errors[name].append(float((output - exact).norm() / change))

    def _run_lightened(self, index: int, state: Tensor, precision: str) -> tuple[Tensor, float]:
        layers = self._backbone.transformer_layers
        original = layers[index]
        layers[index] = copy.deepcopy(original)
        try:
            lighten(layers[index], precision, least_size=self._backbone.hidden_size)
            return _timed(lambda: self._backbone.run_layer(index, state, self.surroundings))
        finally:
            layers[index] = original


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and the seconds of the fastest of some runs after one that warms up."""
    result, runs = work(), list[float]()
    while len(runs) < _TRIES and sum(runs) < _MOST_S_A_TRY:
        started = time.perf_counter()
        result = work()
        runs.append(time.perf_counter() - started)
    return result, min(runs)


def _voice() -> np.ndarray:
    """Gliding harmonics in noise (n,): enough of a voice to send through the layers what speech would."""
    random = np.random.default_rng(0)
    time_s = np.arange(round(_WINDOW_S * MODEL_RATE_HZ)) / MODEL_RATE_HZ
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.8 * time_s)) / MODEL_RATE_HZ
    tone = sum(np.sin(number * phase) / number for number in range(1, 20)) * (0.6 + 0.4 * np.sin(9 * time_s))
    return (0.1 * tone + 0.01 * random.normal(size=len(time_s))).astype(np.float32)


# --- keeping ---------------------------------------------------------------------------------------


def _read(file: Path) -> PrecisionChoice | None:
    """The choice that is kept in `file`; None where there is none that makes sense, or a guess that has aged."""
    kept = read_measurement(file)
    if kept is None:
        return None
    try:
        tables = [{name: float(value) for name, value in kept[key].items()} for key in ("window_ms", "errors")]
        choice = PrecisionChoice(kept["precision"], *tables)
        aged = not choice.window_ms and time.time() - file.stat().st_mtime > _GUESS_HOLDS_S
        sensible = choice.speed_up > 0 and choice.precision in ("fp32", *_CANDIDATES)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, ZeroDivisionError):
        return None
    return choice if sensible and not aged else None


def _by_flags() -> PrecisionChoice:
    """What the processor says of itself, where nothing can be measured or kept."""
    return PrecisionChoice("bf16" if has_fast_bf16(torch.device("cpu")) else "fp32")
