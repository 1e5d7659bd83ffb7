"""Make the synthetic sample clips of resources/sample with espeak-ng; run by hand, not by users.

    python packaging/make_sample.py [FOLDER]

Four made-up speakers read sentences of an invented language in four acted moods. A mood is nothing
but bent prosody: pitch, pitch range, rate, pauses and contour through espeak-ng, then loudness,
brightness, tremor and hoarseness on the samples. Each clip bends by another amount, so that some are
clear and some are not. The same seed gives the same clips (up to the espeak-ng version).
"""

import csv
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

RATE_HZ = 16_000
SEED = 2
CLIPS_PER_SPEAKER_AND_LABEL = 3
LABELLED_SPEAKERS = ("ana", "bero", "cira")  # of these, some clips are labelled in the sample project
LABELLED_PER_LABEL = 5

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Speaker:
    name: str
    voice: str
    pitch: int  # espeak-ng's 0..99
    rate: float  # factor of the mood's words per minute
    noise_dbfs: float  # the hiss of his room


@dataclass(frozen=True)
class Mood:
    label: str
    pitch: float  # added to the speaker's
    pitch_range: float  # percent of the voice's own
    words_per_minute: float
    gap: int  # tens of milliseconds between words
    contour: tuple[float, float]  # relative pitch of the first and the last word, percent
    gain_db: float
    tilt_db: float  # treble against bass: a pressed voice is bright, a slack one dull
    tremor: float  # depth of the amplitude's shake
    drive: float  # hoarseness: 0 none


SPEAKERS = (
    Speaker("ana", "eo+f2", 52, 1.00, -58),
    Speaker("bero", "eo+m3", 38, 0.95, -62),
    Speaker("cira", "eo+f4", 60, 1.08, -55),
    Speaker("dovu", "eo+m7", 44, 1.02, -60),
)
MOODS = (
    Mood("anger", 8, 125, 205, 0, (22, -8), 3.0, 8.0, 0.00, 2.2),
    Mood("joy", 24, 180, 190, 0, (0, 26), 0.5, 3.0, 0.00, 0.0),
    Mood("sadness", -12, 30, 112, 5, (2, -16), -7.0, -8.0, 0.10, 0.0),
    Mood("calm", 0, 85, 150, 1, (4, -4), -2.0, -2.0, 0.00, 0.0),
)
# An invented language: nobody said these words, and they carry no feeling of their own.
SYLLABLES = ("ba", "delo", "miro", "ka", "tenu", "so", "lira", "vo", "pani", "gesu", "ro", "tala", "nemi", "fu")
SENTENCES = 9


def make(folder: Path) -> None:
    """Write clips/*.ogg, live.ogg, manifest.csv and start.csv into `folder`."""
    random = np.random.default_rng(SEED)
    clips = folder / "clips"
    clips.mkdir(parents=True, exist_ok=True)
    for old in clips.glob("*.ogg"):
        old.unlink()
    sentences = [_sentence(random) for _ in range(SENTENCES)]
    rows = []
    order = [(s, m) for s in SPEAKERS for m in MOODS for _ in range(CLIPS_PER_SPEAKER_AND_LABEL)]
    random.shuffle(order)  # type: ignore[arg-type]
    counts = dict.fromkeys((speaker.name for speaker in SPEAKERS), 0)
    for speaker, mood in order:
        counts[speaker.name] += 1
        name = f"{speaker.name}-{counts[speaker.name]:02d}.ogg"
        words = sentences[int(random.integers(SENTENCES))]
        _write(clips / name, _act(words, speaker, mood, random))
        rows.append([f"clips/{name}", mood.label, speaker.name])
    _write_manifests(folder, sorted(rows))
    _write(folder / "live.ogg", _live(sentences, random))


def _sentence(random: np.random.Generator) -> list[str]:
    count = int(random.integers(4, 7))
    return ["".join(random.choice(SYLLABLES, size=int(random.integers(1, 3)))) for _ in range(count)]


def _write_manifests(folder: Path, rows: list[list[str]]) -> None:
    """manifest.csv: the truth of every clip; start.csv: what the sample project knows at the start."""
    of_label: Counter[str] = Counter()
    of_both: Counter[tuple[str, str]] = Counter()
    start = []
    for file, label, speaker in rows:
        both = (label, speaker)
        take = speaker in LABELLED_SPEAKERS and of_both[both] < 2 and of_label[label] < LABELLED_PER_LABEL
        of_label[label] += take
        of_both[both] += take
        start.append([file, label if take else "", speaker])
    for name, lines in (("manifest.csv", rows), ("start.csv", start)):
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["file", "label", "speaker"])
            writer.writerows(lines)


def _live(sentences: list[list[str]], random: np.random.Generator) -> Samples:
    """One long clip of the speaker whom the sample project labels least: four moods, one after another."""
    parts = [np.zeros(RATE_HZ // 2)]
    for mood in (MOODS[3], MOODS[0], MOODS[2], MOODS[1]):
        for index in (0, 3):
            parts += [_act(sentences[index], SPEAKERS[3], mood, random), np.zeros(RATE_HZ // 4)]
    whole = np.concatenate(parts)
    return whole + _hiss(len(whole), SPEAKERS[3].noise_dbfs, random)


def _act(words: list[str], speaker: Speaker, mood: Mood, random: np.random.Generator) -> Samples:
    strength = float(random.uniform(0.45, 1.1))  # how clearly this clip is acted
    calm = MOODS[3]

    def bent(wanted: float, neutral: float, spread: float) -> float:
        return neutral + strength * (wanted - neutral) + float(random.normal(0, spread))

    wave = _speak(
        _ssml(
            words,
            first=bent(mood.contour[0], calm.contour[0], 3),
            last=bent(mood.contour[1], calm.contour[1], 3),
            pitch_range=max(5.0, bent(mood.pitch_range, calm.pitch_range, 10)),
        ),
        voice=speaker.voice,
        pitch=speaker.pitch + bent(mood.pitch, calm.pitch, 3),
        words_per_minute=speaker.rate * bent(mood.words_per_minute, calm.words_per_minute, 8),
        gap=round(bent(mood.gap, calm.gap, 0.3)),
    )
    wave = _tilt(wave, bent(mood.tilt_db, calm.tilt_db, 1.0))
    wave = _shake(wave, max(0.0, bent(mood.tremor, 0.0, 0.01)), random)
    drive = max(0.0, bent(mood.drive, 0.0, 0.1))
    wave = np.tanh(wave * (1 + drive)) / (1 + 0.5 * drive)
    wave = _level(wave, -24 + bent(mood.gain_db, calm.gain_db, 1.5))
    return wave + _hiss(len(wave), speaker.noise_dbfs, random)


def _ssml(words: list[str], *, first: float, last: float, pitch_range: float) -> str:
    spoken = []
    for index, word in enumerate(words):
        shift = first + (last - first) * index / max(1, len(words) - 1)
        spoken.append(f'<prosody pitch="{shift:+.0f}%">{word}</prosody>')
    return f'<speak><prosody range="{pitch_range - 100:+.0f}%">{" ".join(spoken)}.</prosody></speak>'


def _speak(ssml: str, *, voice: str, pitch: float, words_per_minute: float, gap: int) -> Samples:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "spoken.wav"
        command = ["espeak-ng", "-m", "-z", "-v", voice, "-w", str(path)]
        command += ["-p", str(round(float(np.clip(pitch, 0, 99))))]
        command += ["-s", str(round(words_per_minute)), "-g", str(max(0, gap)), ssml]
        subprocess.run(command, check=True)
        samples, rate_hz = soundfile.read(path, dtype="float64")
    return np.asarray(resample_poly(samples, RATE_HZ, rate_hz), dtype=np.float64)


def _tilt(wave: Samples, treble_db: float) -> Samples:
    bass = np.asarray(sosfilt(butter(1, 900, fs=RATE_HZ, output="sos"), wave))
    return bass + (wave - bass) * 10 ** (treble_db / 20)


def _shake(wave: Samples, depth: float, random: np.random.Generator) -> Samples:
    time_s = np.arange(len(wave)) / RATE_HZ
    rate_hz = random.uniform(5.5, 7.5)
    return wave * (1 + depth * np.sin(2 * np.pi * rate_hz * time_s + random.uniform(0, 6.28)))


def _level(wave: Samples, rms_dbfs: float) -> Samples:
    wave = wave * 10 ** (rms_dbfs / 20) / max(1e-9, float(np.sqrt(np.mean(wave**2))))
    return wave * min(1.0, 0.95 / max(1e-9, float(np.abs(wave).max())))


def _hiss(count: int, rms_dbfs: float, random: np.random.Generator) -> Samples:
    return random.normal(0, 10 ** (rms_dbfs / 20), count)


def _write(path: Path, wave: Samples) -> None:
    soundfile.write(path, np.clip(wave, -1, 1).astype(np.float32), RATE_HZ, format="OGG", subtype="VORBIS")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "resources" / "sample")
