"""The two manual features of Table I as upstreams: 80 log mel energies, or 13 MFCCs, 25 ms every 10 ms (section IV)."""

from typing import Any

import torch
from torch import Tensor, nn
from torchaudio.functional import create_dct, melscale_fbanks

from engine.audio.decode import MODEL_RATE_HZ
from engine.backbones.mfcc import MfccBackbone

FBANK, MFCC = "fbank", "mfcc"
_FRAME, _HOP, _FFT = 400, 160, 512
_MEL_BINS, _CEPSTRA = {FBANK: 80, MFCC: 40}, 13
_SILENCE = 1e-6  # of the energy in a band


class _Energies(nn.Module):
    """Samples (n,) at 16 kHz to (features, n // 160): log mel energies under a Hamming window, or their cosines."""

    def __init__(self, features: str) -> None:
        super().__init__()
        bins = _MEL_BINS[features]
        filters = melscale_fbanks(_FFT // 2 + 1, 20.0, MODEL_RATE_HZ / 2, bins, MODEL_RATE_HZ).T.contiguous()
        self.filters = nn.Parameter(filters, requires_grad=False)
        self.cosines = nn.Parameter(create_dct(_CEPSTRA, bins, "ortho").T.contiguous(), requires_grad=False)
        self.window = nn.Parameter(torch.hamming_window(_FRAME), requires_grad=False)
        self._is_mfcc = features == MFCC

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        samples = nn.functional.pad(samples, (0, max(0, _FFT - len(samples))))  # a frame's worth at least
        spectrum = torch.stft(samples, _FFT, _HOP, _FRAME, self.window, return_complex=True)
        frames = spectrum[:, : max(1, len(samples) // _HOP)]
        energies = torch.log(self.filters @ frames.abs().square() + _SILENCE)
        return self.cosines @ energies if self._is_mfcc else energies


class AcousticFrames(MfccBackbone):
    """Manual features as frames, 100 a second; nothing of it is trained, and no base is made of it."""

    def __init__(self, features: str) -> None:
        super().__init__(_CEPSTRA if features == MFCC else _MEL_BINS[features])
        self.energies = _Energies(features)
        self._features = features

    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) to features (features, n // 160)."""
        energies: Tensor = self.energies(samples)
        return energies

    def specification(self) -> dict[str, Any]:
        return {"kind": f"hgfm {self._features}"}
