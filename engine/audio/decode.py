"""Audio files to mono float32, whatever the container. No torch here: front ends import this at once.

libsndfile reads wav, flac, mp3, ogg and opus; FFmpeg (through PyAV) reads what telephones write
(m4a, aac, amr, 3gp, mp4, webm, wma), and is the second try where libsndfile refuses a file.
"""

import math
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.errors import AudioError

MODEL_RATE_HZ = 16_000
MAX_CLIP_S = 9.375  # 150,000 samples at 16 kHz, section 4.4 of the main paper
MOST_WINDOWS_PER_CLIP = 12  # of a labelled recording of hours: it must not outweigh the other clips
MIN_CLIP_S = 0.1
SILENCE_DBFS = -70.0
_HIGHEST_PEAK = 4.0  # float samples may pass 1 where a mix or a codec overshoots, but hardly by 12 dB
_LARGEST_SAMPLE = 1e6  # 16-bit numbers kept as floats are below; squares of 1e18 and more are no numbers any longer
_UNKNOWN_FRAMES = 2**62  # libsndfile says 2**63 - 1 of a FLAC of unknown length, as one is that went through a pipe

_FFMPEG_FIRST = frozenset({".m4a", ".aac", ".amr", ".3gp", ".3g2", ".mp4", ".mov", ".webm", ".mkv", ".wma"})
AUDIO_SUFFIXES: frozenset[str] = _FFMPEG_FIRST | {
    ".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".caf", ".w64",
}  # fmt: skip

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class AudioInfo:
    """What a file holds. Known only after `check_audio`: `silent`, the peak is below -70 dBFS, and `overscaled`, it is
    above 4, so that the samples are not on the scale of -1 to 1 that sound is on.
    """

    duration_s: float
    rate_hz: int
    channels: int
    silent: bool = False
    overscaled: bool = False


def probe_audio(path: Path) -> AudioInfo:
    """Duration, rate and channels from the header. AudioError: missing, empty, not audio, no samples."""
    path = _existing(path)
    with closing(_open_reader(path)) as reader:
        return reader.info


def read_audio(path: Path) -> tuple[Samples, int]:
    """The whole file as mono, shape (samples,), at its own rate in Hz.

    AudioError as `probe_audio`, for damage in the middle and for samples that are not numbers, or beyond a million.

    Use `iter_audio` where a file may be hours long.
    """
    path = _existing(path)
    with closing(_open_reader(path)) as reader:
        blocks = list(_mono_blocks(path, reader, 60 * reader.info.rate_hz))
        if not blocks:
            raise _no_samples(path)
        return np.concatenate(blocks), reader.info.rate_hz


def iter_audio(path: Path, block_s: float = 10.0) -> Iterator[Samples]:
    """Mono blocks of `block_s` seconds (the last is shorter), at the file's own rate: memory is bounded.

    Mono is the mean of the channels, so that neither side of an interview is lost. A file that cannot
    be read raises AudioError here, not at the first block; damage further on and samples that are not
    numbers, or beyond a million, raise it where they are met.
    """
    path = _existing(path)
    _open_reader(path).close()
    return _iter_mono(path, block_s)


def check_audio(path: Path) -> AudioInfo:
    """Decode the whole file once, in bounded memory, and return what it really holds.

    AudioError as `read_audio`, and for clips under 0.1 s.
    """
    path = _existing(path)
    sample_count, peak = 0, 0.0
    with closing(_open_reader(path)) as reader:
        info = reader.info
        for block in _mono_blocks(path, reader, 10 * info.rate_hz):
            sample_count += block.size
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
    if sample_count == 0:
        raise _no_samples(path)
    duration_s = sample_count / info.rate_hz
    if duration_s < MIN_CLIP_S:
        samples = "1 sample" if sample_count == 1 else f"{sample_count} samples"
        needed = math.ceil(round(MIN_CLIP_S * info.rate_hz, 6))  # rounded seconds could look like enough
        raise AudioError(
            f"{path.name} is too short: {samples}, where {MIN_CLIP_S} s has {needed}.",
            f"A clip needs at least {MIN_CLIP_S} s.",
        )
    silent, overscaled = peak < 10 ** (SILENCE_DBFS / 20), peak > _HIGHEST_PEAK
    return replace(info, duration_s=duration_s, silent=silent, overscaled=overscaled)


def _existing(path: Path) -> Path:
    path = Path(path)
    try:
        if path.is_dir():
            raise AudioError(f"{path.name} is a folder, not an audio file.", "Choose the files in it.")
        if path.stat().st_size == 0:
            raise AudioError(f"{path.name} is empty (0 bytes).", "Copy it again from where it was recorded.")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError(f"There is no file {path}.", "Check the path.") from None
    except PermissionError:
        raise AudioError(
            f"{path.name} may not be read.", "Change its permissions, or copy it to a folder of yours."
        ) from None
    except OSError as error:
        raise AudioError(
            f"{path.name} could not be read ({error.strerror}).", "Copy it to another disk and try again."
        ) from error
    return path


def _iter_mono(path: Path, block_s: float) -> Iterator[Samples]:
    with closing(_open_reader(path)) as reader:
        yield from _mono_blocks(path, reader, max(1, round(reader.info.rate_hz * block_s)))


def _mono_blocks(path: Path, reader: "_Reader", frames: int) -> Iterator[Samples]:
    """(frames, channels) to (frames,). No sample that is not a number, or larger than any sound has, gets past here."""
    for block in reader.blocks(frames):
        if block.shape[1] == 1:
            mono = np.ascontiguousarray(block[:, 0])
        else:
            with np.errstate(invalid="ignore", over="ignore"):  # of infinities, which are refused below
                mono = block.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            raise AudioError(
                f"{path.name} holds samples that are not numbers (NaN or infinity).",
                "Export it again from the program that made it.",
            )
        largest = float(np.abs(mono).max(initial=0.0))
        if largest > _LARGEST_SAMPLE:
            raise AudioError(
                f"{path.name} holds samples up to {largest:.0e}, where sound lies between -1 and 1.",
                "Save it as 16-bit, or scaled to between -1 and 1.",
            )
        yield mono


# --- the two readers -------------------------------------------------------------------------------


class _RefusedError(Exception):
    """One reader cannot make sense of the file; the other may."""


class _Reader(Protocol):
    """An open file. `info.duration_s` is 0 where the container does not tell."""

    info: AudioInfo

    def blocks(self, frames: int) -> Iterator[Samples]:
        """Blocks of shape (at most `frames`, channels)."""

    def close(self) -> None: ...


class _SndfileReader:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # As bytes: a name in an old encoding is no valid text, but it is a valid name.
            self._file = soundfile.SoundFile(str(path) if os.name == "nt" else os.fsencode(path))
        except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
            raise _RefusedError from error
        if self._file.frames >= _UNKNOWN_FRAMES:  # it would call the file damaged at its end; FFmpeg counts
            self._file.close()
            raise _RefusedError
        rate_hz = int(self._file.samplerate)
        self.info = AudioInfo(self._file.frames / rate_hz, rate_hz, int(self._file.channels))

    def blocks(self, frames: int) -> Iterator[Samples]:
        try:
            while len(block := self._file.read(frames, dtype="float32", always_2d=True)):
                yield block
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise _damaged(self._path) from error

    def close(self) -> None:
        self._file.close()


class _FfmpegReader:
    def __init__(self, path: Path) -> None:
        import av  # 0.1 s and a large library: only for the files that need it

        av.logging.set_level(None)  # FFmpeg writes to stderr by itself; what matters is raised
        self._path = path
        self._errors: Any = av.FFmpegError
        self._raw = path.open("rb")  # opened here, since FFmpeg takes no name in an old encoding
        try:
            self._container: Any = av.open(self._raw)
        except (av.FFmpegError, ValueError, OSError) as error:
            self._raw.close()
            raise _RefusedError from error
        stream = next(iter(self._container.streams.audio), None)
        if stream is None or not stream.rate:
            self.close()
            raise _RefusedError
        self._stream = stream
        self._resampler: Any = av.AudioResampler(format="flt", rate=stream.rate)  # the layout stays
        duration_s = 0.0
        if stream.duration is not None:
            duration_s = float(stream.duration * stream.time_base)
        elif self._container.duration is not None:
            duration_s = self._container.duration / 1_000_000
        self.info = AudioInfo(max(0.0, duration_s), int(stream.rate), int(stream.channels))

    def blocks(self, frames: int) -> Iterator[Samples]:
        held: list[Samples] = []
        held_frames = 0
        for piece in self._pieces():
            held.append(piece)
            held_frames += len(piece)
            if held_frames >= frames:
                joined = np.concatenate(held)
                while len(joined) >= frames:
                    yield joined[:frames]
                    joined = joined[frames:]
                held, held_frames = [joined], len(joined)
        if held_frames:
            yield np.concatenate(held)

    def _pieces(self) -> Iterator[Samples]:
        channels = self.info.channels
        try:
            for frame in self._container.decode(self._stream):
                frame.pts = None  # telephones leave holes in the clock; the samples count, not the stamps
                for packed in self._resampler.resample(frame):
                    piece = packed.to_ndarray().reshape(-1, packed.layout.nb_channels)
                    if piece.shape[1] != channels:  # HE-AAC may turn out to be stereo only when decoded
                        piece = np.repeat(piece.mean(axis=1, keepdims=True), channels, axis=1)
                    yield piece
        except (self._errors, ValueError) as error:
            raise _damaged(self._path) from error

    def close(self) -> None:
        self._container.close()
        self._raw.close()


def _open_reader(path: Path) -> _Reader:
    readers: tuple[type[_SndfileReader] | type[_FfmpegReader], ...] = (_SndfileReader, _FfmpegReader)
    if path.suffix.lower() in _FFMPEG_FIRST:
        readers = (_FfmpegReader, _SndfileReader)
    for reader in readers:
        try:
            return _with_samples(path, reader(path))
        except _RefusedError:
            continue
    raise AudioError(
        f"{path.name} does not hold sound that can be read.",
        "It may be damaged, or another kind of file with an audio name.",
    )


def _with_samples(path: Path, reader: _Reader) -> _Reader:
    """The reader, its duration counted where the container does not tell it."""
    if reader.info.duration_s > 0:
        return reader
    if isinstance(reader, _SndfileReader):
        reader.close()
        raise _no_samples(path)
    with closing(reader):
        frame_count = sum(len(block) for block in reader.blocks(reader.info.rate_hz))
    if frame_count == 0:
        raise _no_samples(path)
    counted = _FfmpegReader(path)
    counted.info = replace(counted.info, duration_s=frame_count / counted.info.rate_hz)
    return counted


def _no_samples(path: Path) -> AudioError:
    return AudioError(f"{path.name} holds no samples.", "The recording was probably stopped at once.")


def _damaged(path: Path) -> AudioError:
    return AudioError(
        f"{path.name} is damaged and cannot be read to its end.",
        "Copy it again, or save the good part with an audio editor.",
    )
