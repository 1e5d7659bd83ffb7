"""A 24-bit mono WAV file that can be read at any moment while it is still being written."""

import errno
import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_BYTES_A_SAMPLE = 3
_MOST_BYTES = 2**32 - 1_000  # the header counts them in 32 bits
_SYNC_S = 2.0  # a power cut costs at most this much


class WavWriter:
    """Appends float32 samples; the header is put right after each block, so a kill loses nothing."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Create `path`. Raises OSError, as every method does."""
        self.path = path
        self.rate_hz = rate_hz
        self.sample_count = 0
        self._unsynced = 0
        self._file = path.open("xb", buffering=0)
        self._file.write(_header(rate_hz, 0))

    @property
    def duration_s(self) -> float:
        return self.sample_count / self.rate_hz

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append samples of shape (n,); what is beyond -1..1 is clipped, as the sound card would."""
        if (self.sample_count + len(samples)) * _BYTES_A_SAMPLE > _MOST_BYTES:
            raise OSError(errno.EFBIG, "the file has reached the size that WAV allows")
        whole = np.rint(np.clip(samples, -1.0, 1.0) * 8_388_607.0).astype("<i4")
        data = whole.view(np.uint8).reshape(-1, 4)[:, :_BYTES_A_SAMPLE].tobytes()
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.sample_count += len(samples)
        self._put_header()
        self._unsynced += len(samples)
        if self._unsynced > _SYNC_S * self.rate_hz:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _put_header(self) -> None:
        self._file.seek(0)
        self._file.write(_header(self.rate_hz, self.sample_count))
        self._file.seek(0, os.SEEK_END)


def mend_wav(path: Path) -> float:
    """Make the header of a file by `WavWriter` agree with its length; returns its duration in seconds.

    0.0 where it holds no samples or is not such a file. Raises OSError.
    """
    with path.open("r+b") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(b"RIFF"):
            return 0.0
        rate_hz: int = _HEADER.unpack(head)[7]
        sample_count = (file.seek(0, os.SEEK_END) - _HEADER.size) // _BYTES_A_SAMPLE
        file.truncate(_HEADER.size + sample_count * _BYTES_A_SAMPLE)
        file.seek(0)
        file.write(_header(rate_hz, sample_count))
        return sample_count / rate_hz if rate_hz else 0.0


def _header(rate_hz: int, sample_count: int) -> bytes:
    data_bytes = sample_count * _BYTES_A_SAMPLE
    return _HEADER.pack(
        b"RIFF", 36 + data_bytes, b"WAVE",
        b"fmt ", 16, 1, 1, rate_hz, rate_hz * _BYTES_A_SAMPLE, _BYTES_A_SAMPLE, 8 * _BYTES_A_SAMPLE,
        b"data", data_bytes,
    )  # fmt: skip
