"""Whisper's log-mel spectrogram (Radford et al. 2022, section 2.2), for a clip of any length."""

import numpy as np
import torch
from torchaudio.functional import melscale_fbanks

from engine.audio.decode import MODEL_RATE_HZ

N_FFT = 400
HOP_SAMPLES = 160


class LogMel(torch.nn.Module):
    """Samples (n,) at 16 kHz to (bins, n // 160): log10 mel power, floored 8 below its peak, then (x + 4) / 4.

    Or those of several clips of one length at once, (clips, n), each by its own peak.
    """

    window: torch.Tensor
    filters: torch.Tensor

    def __init__(self, bins: int = 80) -> None:
        super().__init__()
        filters = melscale_fbanks(N_FFT // 2 + 1, 0.0, 8000.0, bins, MODEL_RATE_HZ, norm="slaney", mel_scale="slaney")
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)

    @torch.no_grad()
    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(samples, N_FFT, HOP_SAMPLES, window=self.window, return_complex=True)
        power = spectrum[..., :-1].abs() ** 2
        log_mel = torch.log10(torch.clamp(self.filters @ power, min=1e-10))
        log_mel = torch.maximum(log_mel, log_mel.amax((-2, -1), keepdim=True) - 8.0)
        return (log_mel + 4.0) / 4.0


def level_dbfs(samples: np.ndarray) -> float:
    """Root-mean-square level of `samples` in dB below full scale (-120 for silence)."""
    if not len(samples):
        return -120.0
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return float(max(-120.0, 20.0 * np.log10(max(rms, 1e-6))))
