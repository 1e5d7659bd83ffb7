"""BYOL-A, a general audio embedding of the BYOL type (Niizumi et al. 2021, "BYOL for audio", arXiv 2103.06695; 2022,
"BYOL for audio: exploring pre-trained general-purpose audio representations", arXiv 2204.07402).

The code is our own. The published weights are NTT's, whose licence is for evaluation alone, so none are bundled:
packaging/convert_byola.py makes a folder of a published file. Batch norms are part of the convolutions there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from engine.audio.decode import MODEL_RATE_HZ
from engine.errors import BaseError

BANDS = 64
WEIGHTS, CONFIG = "model.safetensors", "config.json"
_CHANNELS = 64
_FRAME, _HOP = 1024, 160  # 64 ms and 10 ms
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7800.0
_LEAST = torch.finfo(torch.float32).eps  # of a band, before the logarithm
_MEND = "Make the folder of a published file: python packaging/convert_byola.py FILE.pth FOLDER."


@dataclass(frozen=True)
class Layout:
    """A published network. year: 2020 (512-d, 1024-d and 2048-d) or 2022 (3072-d), as the files are called.

    hidden, output: widths of the two linear layers; mean, deviation: of the log-mel spectrograms of speech or whatever
    else it is to hear, which its input is standardised by. Raises ValueError.
    """

    year: int
    hidden: int
    output: int
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if self.year not in (2020, 2022) or min(self.hidden, self.output) < 1 or not self.deviation > 0:
            raise ValueError(f"no published network: {self}")

    @property
    def blocks(self) -> int:
        """Convolutions, each with a pooling that halves bands and steps."""
        return 3 if self.year == 2020 else 2

    @property
    def local(self) -> int:
        """Channels of what the convolutions make of a frame."""
        return _CHANNELS * (BANDS >> self.blocks)

    @property
    def size(self) -> int:
        """Channels of the embedding: since 2022 it has those of the convolutions too."""
        return self.output if self.year == 2020 else self.local + self.output


class AudioMel(nn.Module):
    """Samples (n,) at 16 kHz to the standardised log-mel spectrogram (64, n // 160).

    The bands are those of the published examples: torchaudio's (HTK's scale) in 2020, librosa's (Slaney's) in 2022. The
    published one has a last step more, half of it beyond the end.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.mean, self.deviation = layout.mean, layout.deviation
        scale, norm = ("htk", None) if layout.year == 2020 else ("slaney", "slaney")
        filters = melscale_fbanks(
            _FRAME // 2 + 1, _LOWEST_HZ, _HIGHEST_HZ, BANDS, MODEL_RATE_HZ, norm=norm, mel_scale=scale
        )
        self.register_buffer("window", torch.hann_window(_FRAME), persistent=False)
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        spectrum = torch.stft(samples, _FRAME, _HOP, window=self.window, return_complex=True)
        mel = self.filters @ spectrum[:, : max(1, len(samples) // _HOP)].abs().square()
        standardised: Tensor = ((mel + _LEAST).log() - self.mean) / self.deviation
        return standardised


class AudioEncoder(nn.Module):
    """Convolutions over bands and time, then two linear layers a frame of 80 ms (40 ms in 2022)."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        self.convolutions = nn.ModuleList(
            nn.Conv2d(_CHANNELS if block else 1, _CHANNELS, 3, padding=1) for block in range(layout.blocks)
        )
        self.hidden = nn.Linear(layout.local, layout.hidden)
        self.output = nn.Linear(layout.hidden, layout.output)

    def forward(self, mel: Tensor) -> Tensor:
        """One clip's spectrogram (64, steps) to frames (steps // 8, size), in 2022 (steps // 4, size), at least one."""
        missing = max(0, (1 << len(self.convolutions)) - mel.shape[1])
        maps = nn.functional.pad(mel[None], (0, missing), mode="replicate")[None]
        for convolve in self.convolutions:
            maps = nn.functional.max_pool2d(torch.relu(convolve(maps)), 2)
        local = maps[0].permute(2, 1, 0).flatten(1)  # of a band all channels, then of the next
        found = torch.relu(self.output(torch.relu(self.hidden(local))))
        return found if self.layout.year == 2020 else torch.cat([local, found], dim=-1)

    def embed(self, clips: Sequence[Tensor]) -> Tensor:
        """Spectrograms (64, steps) of any length to (clips, size): maximum and mean over time, added up.

        Clip by clip, for the convolutions would see what a clip is padded with.
        """
        frames = [self(mel) for mel in clips]
        return torch.stack([of_clip.amax(0) + of_clip.mean(0) for of_clip in frames])


def load_audio_encoder(folder: Path | None) -> tuple[AudioEncoder, str]:
    """The encoder in `folder`, frozen, and its licence. Raises BaseError, also where no folder is named."""
    if folder is None:
        raise BaseError(
            "The weights of BYOL-A are not part of SER Studio, for their licence does not allow it.",
            "Write byola:FOLDER, with the folder that packaging/convert_byola.py makes of a published file.",
        )
    try:
        facts = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        encoder = AudioEncoder(Layout(**facts["layout"]))
        stored = load_file(folder / WEIGHTS)
        encoder.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
        licence = str(facts["licence"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BaseError(f"{folder} holds no BYOL-A encoder.", _MEND) from error
    return encoder.eval().requires_grad_(requires_grad=False), licence
