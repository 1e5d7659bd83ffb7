"""Mel-frequency cepstral coefficients (Davis & Mermelstein 1980), for a clip of any length."""

import warnings

import torch
from torch import Tensor, nn
from torchaudio.transforms import MFCC

from engine.audio.decode import MODEL_RATE_HZ

HOP_S = 0.01


class Mfcc(nn.Module):
    """Samples (n,) at 16 kHz to (coefficients, n // 160), 100 frames a second.

    frame_s: of one Hann window. normalised: every coefficient has mean 0 and deviation 1 over the clip, which takes
    away much of the microphone.
    """

    def __init__(self, coefficients: int = 40, frame_s: float = 0.03, *, normalised: bool = False) -> None:
        super().__init__()
        self.normalised = normalised
        frame = round(frame_s * MODEL_RATE_HZ)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of mel bands that fall between two bins
            self.transform = MFCC(
                MODEL_RATE_HZ,
                coefficients,
                log_mels=True,
                melkwargs={
                    "n_fft": 1 << (frame - 1).bit_length(),
                    "win_length": frame,
                    "hop_length": round(HOP_S * MODEL_RATE_HZ),
                    "n_mels": max(40, coefficients),
                    "f_min": 20.0,
                },
            )
        for name, buffer in list(self.transform.named_buffers()):  # they follow from the arguments
            parent = self.transform.get_submodule(name.rpartition(".")[0])
            parent.register_buffer(name.rpartition(".")[2], buffer, persistent=False)

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        cepstra: Tensor = self.transform(samples)[:, : max(1, len(samples) // round(HOP_S * MODEL_RATE_HZ))]
        if self.normalised:
            cepstra = cepstra - cepstra.mean(1, keepdim=True)
            cepstra = cepstra / (cepstra.square().mean(1, keepdim=True).sqrt() + 1e-5)
        return cepstra
