"""The GE2E speaker encoder (Wan et al. 2018, "Generalized end-to-end loss for speaker verification").

Sizes, front end and weights are those of the package Resemblyzer 0.1.4 (Apache-2.0); the code is our own. Unlike there,
silence is not cut out, so that nothing but torch is needed, and a frame that is half beyond the end is left out.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from engine.audio.decode import MODEL_RATE_HZ
from engine.errors import BaseError
from engine.resources import resource

SIZE = 256
BANDS = 40
WEIGHTS, CONFIG = "model.safetensors", "config.json"
_LAYERS = 3
_FRAME, _HOP = 400, 160  # 25 ms and 10 ms
_LEAST_DBFS = -30.0  # quieter clips are made louder
_PARTIAL = 160  # frames: 1.6 s
_PARTIAL_STEP = 77  # frames: 1.3 partials a second
_LEAST_COVERAGE = 0.75  # of the last partial; else it is left out


class SpeakerMel(nn.Module):
    """Samples (n,) at 16 kHz to the mel power spectrogram (40, n // 160), not logarithmic, of at least -30 dBFS."""

    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        top_hz = MODEL_RATE_HZ / 2
        filters = melscale_fbanks(_FRAME // 2 + 1, 0.0, top_hz, BANDS, MODEL_RATE_HZ, norm="slaney", mel_scale="slaney")
        self.register_buffer("window", torch.hann_window(_FRAME), persistent=False)
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        level = samples.square().mean().sqrt().clamp(min=1e-8)
        samples = samples * (10 ** (_LEAST_DBFS / 20) / level).clamp(min=1.0)
        spectrum = torch.stft(
            samples, _FRAME, _HOP, window=self.window, pad_mode="constant", return_complex=True
        )  # frames centred on their time, silence around the clip
        mel: Tensor = self.filters @ spectrum[:, : max(1, len(samples) // _HOP)].abs().square()
        return mel


class SpeakerEncoder(nn.Module):
    """A mel spectrogram to one vector of unit length (256,): LSTM, its last state through linear and ReLU, L2."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, SIZE, _LAYERS, batch_first=True)
        self.linear = nn.Linear(SIZE, SIZE)

    def forward(self, partials: Tensor) -> Tensor:
        """Windows (n, frames, 40) to unit vectors (n, 256)."""
        _, (hidden, _) = self.lstm(partials)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=-1)

    def embed(self, clips: Sequence[Tensor]) -> Tensor:
        """Spectrograms (40, frames) of any length to (clips, 256): the mean over windows of 1.6 s, of unit length."""
        partials, counts = [], []
        for mel in clips:
            starts = partial_starts(mel.shape[1])
            counts.append(len(starts))
            padded = nn.functional.pad(mel, (0, max(0, starts[-1] + _PARTIAL - mel.shape[1])))
            partials += [padded[:, start : start + _PARTIAL].T for start in starts]
        embedded = self(torch.stack(partials)).split(counts)
        return torch.stack([nn.functional.normalize(of_clip.mean(0), dim=-1) for of_clip in embedded])


def partial_starts(frames: int) -> list[int]:
    """Where the windows of a clip begin; the last is there if the clip fills three quarters of it, or it is the only
    one."""
    starts = list(range(0, max(1, frames + 1 - _PARTIAL + _PARTIAL_STEP + 1), _PARTIAL_STEP))
    if len(starts) > 1 and frames - starts[-1] < _LEAST_COVERAGE * _PARTIAL:
        starts.pop()
    return starts


def load_speaker_encoder(folder: Path | None = None) -> tuple[SpeakerEncoder, str]:
    """The encoder in `folder` (None: the bundled one), frozen, and its licence. Raises BaseError."""
    folder = folder or resource("streams/ge2e")
    encoder = SpeakerEncoder()
    try:
        stored = load_file(folder / WEIGHTS)
        encoder.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
        licence = str(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["licence"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BaseError(f"{folder} holds no GE2E speaker encoder.", "Install SER Studio again.") from error
    return encoder.eval().requires_grad_(requires_grad=False), licence
