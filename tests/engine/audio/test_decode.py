"""Every kind of file that people have, and every kind of broken one."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from engine.audio.decode import (
    AUDIO_SUFFIXES,
    AudioInfo,
    check_audio,
    iter_audio,
    probe_audio,
    read_audio,
)
from engine.errors import AudioError

RATE_HZ = 16_000


def tone(duration_s: float, pitch_hz: float = 440.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (0.3 * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32)


def pitch_of(samples: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate_hz / len(samples))


def encode(path: Path, codec: str, rate_hz: int, sample_format: str, samples: np.ndarray) -> Path:
    """Write `samples` (16 kHz, mono) as a telephone would."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(
            format=sample_format,
            layout="mono",
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or None,
        )
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.rate = RATE_HZ
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


# --- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.WAV", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.wav", "ULAW"),
        ("a.flac", None),
        ("a.mp3", None),
        ("a.ogg", None),
        ("a.opus", None),
        ("a.aiff", None),
    ],
)
def test_libsndfile_formats(write_wav: Any, name: str, subtype: str | None) -> None:
    path = write_wav(name, tone(1.5), subtype=subtype)
    info = probe_audio(path)
    samples, rate_hz = read_audio(path)
    assert (info.rate_hz, info.channels) == (RATE_HZ, 1)
    assert info.duration_s == pytest.approx(1.5, abs=0.01)
    assert (samples.dtype, samples.ndim, rate_hz) == (np.float32, 1, RATE_HZ)
    assert len(samples) == round(info.duration_s * rate_hz)
    assert pitch_of(samples, rate_hz) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "sample_format"),
    [
        ("a.m4a", "aac", 44_100, "fltp"),
        ("a.M4A", "aac", 16_000, "fltp"),
        ("a.aac", "aac", 16_000, "fltp"),
        ("a.mp4", "aac", 48_000, "fltp"),
        ("a.3gp", "aac", 16_000, "fltp"),
        ("a.amr", "libopencore_amrnb", 8_000, "s16"),
        ("b.3gp", "libopencore_amrnb", 8_000, "s16"),
        ("a.webm", "libopus", 48_000, "flt"),
    ],
)
def test_telephone_formats(tmp_path: Path, name: str, codec: str, rate_hz: int, sample_format: str) -> None:
    path = tmp_path / name
    try:
        encode(path, codec, rate_hz, sample_format, tone(1.5))
    except (av.FFmpegError, ValueError) as error:
        pytest.skip(f"this FFmpeg cannot write {codec}: {error}")
    info = check_audio(path)
    samples, read_rate_hz = read_audio(path)
    assert (read_rate_hz, info.channels) == (rate_hz, 1)
    assert info.duration_s == pytest.approx(1.5, abs=0.15), "codecs pad the ends with silence"
    assert len(samples) == round(info.duration_s * rate_hz)
    assert pitch_of(samples, rate_hz) == pytest.approx(440, abs=5)
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.25), "AMR is that rough"


def test_sound_of_a_video(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        frame = av.AudioFrame.from_ndarray(tone(1.0)[None, :1024], format="fltp", layout="mono")
        frame.rate = RATE_HZ
        for _ in range(15):
            frame.pts = None
            container.mux(sound.encode(frame))
        container.mux([*picture.encode(None), *sound.encode(None)])
    assert check_audio(path).duration_s == pytest.approx(1.0, abs=0.2)


def test_wrong_suffix_is_read_all_the_same(write_wav: Any, tmp_path: Path) -> None:
    """An AAC recording that somebody renamed to .wav, and a WAV renamed to .m4a."""
    encode(tmp_path / "a.m4a", "aac", RATE_HZ, "fltp", tone(1.0)).rename(tmp_path / "renamed.wav")
    write_wav("b.wav", tone(1.0)).rename(tmp_path / "renamed.m4a")
    for name in ("renamed.wav", "renamed.m4a"):
        samples, rate_hz = read_audio(tmp_path / name)
        assert pitch_of(samples, rate_hz) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_name_in_an_old_encoding(write_wav: Any, tmp_path: Path, suffix: str) -> None:
    path = write_wav("a.wav", tone(1.0))
    if suffix == "m4a":
        path = encode(tmp_path / "a.m4a", "aac", RATE_HZ, "fltp", tone(1.0))
    try:
        path = path.rename(tmp_path / os.fsdecode(b"caf\xe9." + suffix.encode()))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    samples, rate_hz = read_audio(path)
    assert pitch_of(samples, rate_hz) == pytest.approx(440, abs=5)


def test_mono_is_the_mean_of_the_channels(write_wav: Any) -> None:
    left, right = tone(1.0, 300), tone(1.0, 700)
    path = write_wav("stereo.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    samples, _ = read_audio(path)
    assert samples == pytest.approx((left + right) / 2, abs=1e-6)


def test_mono_is_the_mean_of_the_channels_through_ffmpeg(tmp_path: Path) -> None:
    left, right = tone(1.0, 300), tone(1.0, 700)
    path = tmp_path / "stereo.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="stereo")
        for start in range(0, RATE_HZ - 1024, 1024):
            planes = np.stack([left[start : start + 1024], right[start : start + 1024]])
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format="fltp", layout="stereo")
            frame.rate = RATE_HZ
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert check_audio(path).channels == 2
    samples, _ = read_audio(path)
    spectrum = np.abs(np.fft.rfft(samples[2048:14_336]))
    by_pitch = {pitch: spectrum[round(pitch * 12_288 / RATE_HZ)] for pitch in (300, 500, 700)}
    assert by_pitch[300] == pytest.approx(by_pitch[700], rel=0.2), "both sides are heard alike"
    assert by_pitch[500] < 0.01 * by_pitch[300]


def test_eight_channels_at_192_khz(write_wav: Any) -> None:
    one = tone(0.5, rate_hz=192_000)
    path = write_wav("array.wav", np.repeat(one[:, None], 8, axis=1), rate_hz=192_000, subtype="PCM_24")
    assert check_audio(path) == AudioInfo(duration_s=0.5, rate_hz=192_000, channels=8)
    samples, rate_hz = read_audio(path)
    assert (len(samples), rate_hz) == (96_000, 192_000)
    assert samples == pytest.approx(one, abs=1e-5)


@pytest.mark.parametrize("name", ["a.wav", "a.m4a"])
def test_blocks_are_the_whole_file_in_order(write_wav: Any, tmp_path: Path, name: str) -> None:
    if name == "a.wav":
        path = write_wav(name, tone(2.5, 97.0))
    else:
        path = encode(tmp_path / name, "aac", RATE_HZ, "fltp", tone(2.5, 97.0))
    blocks = list(iter_audio(path, block_s=0.4))
    assert {len(block) for block in blocks[:-1]} == {round(0.4 * RATE_HZ)}
    assert 0 < len(blocks[-1]) <= round(0.4 * RATE_HZ)
    assert np.array_equal(np.concatenate(blocks), read_audio(path)[0])


def test_flac_that_does_not_tell_its_length(write_wav: Any) -> None:
    """As it is written to a pipe: how many samples there are, and their digest, are known only at the end."""
    path = write_wav("pipe.flac", tone(2.5))
    header = bytearray(path.read_bytes())
    header[21] &= 0xF0  # STREAMINFO: the count is the last 36 bits before the digest
    header[22:42] = bytes(20)
    path.write_bytes(header)
    assert soundfile.info(path).frames > 2**62
    assert probe_audio(path) == check_audio(path) == AudioInfo(duration_s=2.5, rate_hz=RATE_HZ, channels=1)
    assert read_audio(path)[0] == pytest.approx(tone(2.5), abs=1e-4)


def test_three_hours_in_bounded_memory(three_hours: Path) -> None:
    tracemalloc.start()
    try:
        info = check_audio(three_hours)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert info.duration_s == pytest.approx(3 * 3600)
    assert peak_bytes < 20e6, "the whole file would take 346 MB"


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [probe_audio, read_audio, check_audio, iter_audio])
@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("empty.wav", b"", r"empty.wav is empty \(0 bytes\)"),
        ("empty.m4a", b"", r"empty.m4a is empty \(0 bytes\)"),
        ("text.wav", b"Dear diary, today I felt joy.\n" * 50, "text.wav does not hold sound"),
        ("text.mp3", b"Dear diary, today I felt joy.\n" * 50, "text.mp3 does not hold sound"),
        ("text.m4a", b"Dear diary, today I felt joy.\n" * 50, "text.m4a does not hold sound"),
        ("text.amr", b"Dear diary, today I felt joy.\n" * 50, "text.amr does not hold sound"),
        ("text.opus", b"Dear diary, today I felt joy.\n" * 50, "text.opus does not hold sound"),
        ("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "cut.wav does not hold sound"),
        ("noise.wav", np.random.default_rng(0).bytes(20_000), "noise.wav does not hold sound"),
        ("noise.m4a", np.random.default_rng(1).bytes(20_000), "noise.m4a does not hold sound"),
    ],
)
def test_files_without_sound(
    tmp_path: Path, read: Callable[[Path], object], name: str, content: bytes, cause: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError, match=cause) as caught:
        read(tmp_path / name)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["a.wav", "a.ogg"])
def test_no_samples(write_wav: Any, name: str) -> None:
    path = write_wav(name, np.zeros(0, np.float32))
    with pytest.raises(AudioError, match="holds no samples"):
        check_audio(path)


def test_picture_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "silent film.mp4"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        container.mux([*picture.encode(av.VideoFrame(64, 64, "yuv420p")), *picture.encode(None)])
    with pytest.raises(AudioError, match="does not hold sound"):
        probe_audio(path)


def test_one_sample_and_clips_under_a_tenth_of_a_second(write_wav: Any) -> None:
    with pytest.raises(AudioError, match=r"too short: 1 sample, where 0\.1 s has 1600\."):
        check_audio(write_wav("one.wav", tone(1.0)[:1]))
    with pytest.raises(AudioError, match=r"too short: 1599 samples, where 0\.1 s has 1600\."):
        check_audio(write_wav("short.wav", tone(1.0)[:1599]))
    with pytest.raises(AudioError, match=r"too short: 1102 samples, where 0\.1 s has 1103\."):
        check_audio(write_wav("odd.wav", tone(1.0)[:1102], 11_025))
    assert check_audio(write_wav("enough.wav", tone(1.0)[:1600])).duration_s == pytest.approx(0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers(write_wav: Any, value: float) -> None:
    samples = np.tile(tone(1.0), 25)  # in the third block that is read
    samples[-3] = value
    path = write_wav("nan.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match="not numbers"):
        check_audio(path)
    with pytest.raises(AudioError, match="not numbers"):
        read_audio(path)
    blocks = iter_audio(path)
    assert len([next(blocks), next(blocks)]) == 2
    with pytest.raises(AudioError, match="not numbers"):
        next(blocks)


def test_infinities_that_cancel_between_channels_are_found(write_wav: Any) -> None:
    path = write_wav("inf.wav", np.tile([[np.inf, -np.inf]], (RATE_HZ, 1)), subtype="FLOAT")
    with pytest.raises(AudioError, match="not numbers"):
        check_audio(path)


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_that_no_sound_has(write_wav: Any, channels: int) -> None:
    samples = np.repeat(tone(25.0)[:, None], channels, axis=1)
    samples[-3] = -1e18  # in the third block that is read
    path = write_wav("huge.wav", samples, subtype="FLOAT")
    for read in (check_audio, read_audio, lambda file: list(iter_audio(file))):
        with pytest.raises(AudioError, match=r"huge\.wav holds samples up to 1e\+18, where") as caught:
            read(path)
    assert "16-bit" in caught.value.hint


def test_damaged_in_the_middle_is_said_not_cut_off(write_wav: Any) -> None:
    path = write_wav("a.flac", np.random.default_rng(0).uniform(-0.5, 0.5, RATE_HZ * 3))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 30_000] = bytes(30_000)
    path.write_bytes(data)
    with pytest.raises(AudioError, match="damaged"):
        check_audio(path)


def test_silence_is_marked(write_wav: Any) -> None:
    assert check_audio(write_wav("zero.wav", np.zeros(RATE_HZ, np.float32))).silent
    assert check_audio(write_wav("hiss.wav", 1e-4 * tone(1.0), subtype="FLOAT")).silent
    assert not check_audio(write_wav("soft.wav", 0.01 * tone(1.0), subtype="FLOAT")).silent


def test_a_wrong_scale_is_marked(write_wav: Any) -> None:
    """SciPy writes an array of floats as it is, also one of 16-bit numbers."""
    assert check_audio(write_wav("int16.wav", 32_767 * tone(1.0), subtype="FLOAT")).overscaled
    assert check_audio(write_wav("late.wav", np.append(tone(12.0), np.float32(-4.1)), subtype="FLOAT")).overscaled
    assert not check_audio(write_wav("overshot.wav", 3.9 / 0.3 * tone(1.0), subtype="FLOAT")).overscaled
    assert not check_audio(write_wav("full.wav", 1 / 0.3 * tone(1.0))).overscaled


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="There is no file"):
        probe_audio(tmp_path / "nowhere.wav")
    with pytest.raises(AudioError, match="is a folder"):
        probe_audio(tmp_path)


def test_file_that_may_not_be_read(open_folder: Path, unprivileged: Any) -> None:
    path = open_folder / "secret.wav"
    soundfile.write(path, tone(1.0), RATE_HZ)
    path.chmod(0)
    with unprivileged(), pytest.raises(AudioError, match="may not be read") as caught:
        probe_audio(path)
    assert "permissions" in caught.value.hint


# --- real speech and the promise of a light import ---------------------------------------------------


@pytest.mark.corpora
def test_real_clips_agree_with_their_manifest(corpora: Path) -> None:
    import csv

    for corpus in ("emodb", "emovo", "nemo"):
        with (corpora / corpus / "manifest.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))[::97]
        for row in rows:
            info = check_audio(corpora / corpus / row["file"])
            assert info.duration_s == pytest.approx(float(row["duration_s"]), abs=0.01)
            assert not info.silent


def test_suffixes_are_lower_case_with_a_dot() -> None:
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in AUDIO_SUFFIXES)


def test_importing_decode_loads_neither_torch_nor_av() -> None:
    code = "import sys, engine.audio.decode; print({'torch', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
