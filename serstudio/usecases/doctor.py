"""Look at this machine: what SER Studio needs, what it found, and the mend of what is missing."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import platformdirs

from engine.checksums import SUMS, read_sums, sha256_of, wrong_sums
from engine.choices import BUNDLED_BASES, BUNDLED_ENCODERS, DEVICES
from engine.errors import SerStudioError
from engine.resources import resource
from engine.store import installed_names, read_record, store_root
from engine.store.location import size_of
from serstudio import __version__, bug_report
from serstudio.wording import bytes_in_words

_PACKAGES = (
    "numpy",
    "scipy",
    "psutil",
    "safetensors",
    "accelerate",
    "soundfile",
    "sounddevice",
    "av",
    "PySide6_Essentials",
    "pyqtgraph",
)
_UNUSABLE = "A card may be too old for this PyTorch, or taken by another program; the processor does the same, slower."
_NEEDED_FREE_GB = 2
_NEEDED_MEMORY_GB = 4
_SMALL_FILE_BYTES = 10_000_000


class Verdict(Enum):
    """OK; NOTE: works, but something is missing that you may want; PROBLEM: something will not work."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One look: what it was at, how it is, what was seen, and how to mend it (empty when OK)."""

    name: str
    verdict: Verdict
    detail: str
    mend: str = ""


def examine_machine() -> Iterator[Finding]:
    """Yield one finding a look; a look that fails unexpectedly is a problem, not an end."""
    for name, look in LOOKS.items():
        try:
            yield look()
        except SerStudioError as error:
            yield Finding(name, Verdict.PROBLEM, error.message, error.hint)
        except Exception as error:
            yield Finding(name, Verdict.PROBLEM, bug_report.one_line(error), "Install again: bash packaging/run.sh")


def _python() -> Finding:
    detail = f"SER Studio {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", Verdict.OK, detail)
    return Finding("Python", Verdict.PROBLEM, detail, "Use Python 3.11, 3.12 or 3.13.")


def _packages() -> Finding:
    found, missing = [], []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return Finding("Packages", Verdict.PROBLEM, f"missing: {', '.join(missing)}", "Run bash packaging/run.sh")
    return Finding("Packages", Verdict.OK, ", ".join(found))


def _torch() -> Finding:
    torch, torchaudio = (importlib.metadata.version(name) for name in ("torch", "torchaudio"))
    detail = f"torch {torch}, torchaudio {torchaudio}, transformers {importlib.metadata.version('transformers')}"
    if torch.split(".")[:2] != torchaudio.split(".")[:2]:
        return Finding("Torch", Verdict.PROBLEM, detail, "The two must match: run bash packaging/run.sh")
    return Finding("Torch", Verdict.OK, detail)


def _compute() -> Finding:
    from engine.bases import load_base
    from engine.device import describe_device, resolve_device, why_unusable
    from engine.memory import free_bytes
    from engine.out_of_memory import moved
    from engine.precision_choice import choose_precision

    encoder = load_base().encoder
    fits = moved(encoder, resolve_device("auto"))
    device = encoder.device
    unusable = [f"{name} ({why})" for name in DEVICES if (why := why_unusable(name))]
    detail = describe_device(device)
    if device.type != "cpu":
        detail += f" ({device.type.upper()})"
    elif fits and not unusable:
        detail += "; no GPU, so adapting runs on the processor"
    choice = choose_precision(encoder)
    detail += f"; {bytes_in_words(free_bytes(device))} of its memory free; classifies in {choice.precision}"
    if choice.precision != "fp32" and choice.window_ms:
        detail += f", {choice.speed_up:.1f} times as fast as in fp32"
    elif device.type == "cpu" and not choice.window_ms:
        detail += " (not measured: other programs kept the processor busy)"
    if not fits:
        return Finding(
            "Compute",
            Verdict.NOTE,
            detail,
            "Close other programs: on the GPU the bundled base does not fit beside them.",
        )
    if unusable:
        return Finding("Compute", Verdict.NOTE, f"{detail}; cannot be used: {', '.join(unusable)}", _UNUSABLE)
    return Finding("Compute", Verdict.OK, detail)


def _memory() -> Finding:
    try:
        total_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return Finding("Memory", Verdict.OK, "not told by this system")
    if total_gb < _NEEDED_MEMORY_GB:
        return Finding("Memory", Verdict.NOTE, f"{total_gb:.1f} GB", "Close other programs while adapting.")
    return Finding("Memory", Verdict.OK, f"{total_gb:.1f} GB")


def _base() -> Finding:
    """compact, what it was made of, and what the published alternatives start from."""
    told = []
    for name in (*BUNDLED_BASES, *BUNDLED_ENCODERS):
        folder = resource(f"bases/{name}")
        weights, sums = folder / "model.safetensors", folder / SUMS
        if not weights.is_file() or not sums.is_file():
            return Finding("Bundled bases", Verdict.PROBLEM, f"{name} is not there", "Install SER Studio again.")
        if wrong := wrong_sums(folder):
            detail = f"{name}: {', '.join(wrong)}: wrong checksum"
            return Finding("Bundled bases", Verdict.PROBLEM, detail, "Install SER Studio again.")
        told.append(f"{name} {weights.stat().st_size / 1e6:.0f} MB ({sums.read_text(encoding='utf-8')[:8]}…)")
    return Finding("Bundled bases", Verdict.OK, f"{', '.join(told)}, checksums right")


def _models() -> Finding:
    """Installed bases: whether their files are there; reading gigabytes is left to `serstudio models verify`."""
    names = installed_names()
    if not names:
        return Finding("Models", Verdict.OK, "none but the bundled one; serstudio models list shows what there is")
    broken = [name for name in names if not _is_whole(store_root() / name)]
    if broken:
        mend = "Get them again: serstudio models remove NAME, then download or add."
        return Finding("Models", Verdict.PROBLEM, f"{', '.join(broken)}: files are missing or damaged", mend)
    found = ", ".join(f"{name} ({bytes_in_words(size_of(store_root() / name))})" for name in names)
    return Finding("Models", Verdict.OK, f"{found}; serstudio models verify reads them whole")


def _is_whole(folder: Path) -> bool:
    """Whether the record can be read, all files are there, and the small ones are as they were."""
    try:
        read_record(folder)
    except SerStudioError:
        return False
    listed = read_sums(folder)
    return bool(listed) and all(_is_as_listed(folder / name, digest) for digest, name in listed)


def _is_as_listed(file: Path, digest: str) -> bool:
    return file.is_file() and (file.stat().st_size > _SMALL_FILE_BYTES or sha256_of(file) == digest)


def _formats() -> Finding:
    import soundfile

    known = soundfile.available_formats()
    wanted = ("WAV", "FLAC", "OGG", "MP3")
    missing = [name.lower() for name in wanted if name not in known]
    detail = f"libsndfile {soundfile.__libsndfile_version__}: wav, flac, ogg, opus, mp3"
    if missing:
        return Finding("Audio files", Verdict.NOTE, f"{detail} without {', '.join(missing)}", "Update soundfile.")
    return Finding("Audio files", Verdict.OK, detail)


def _phone_formats() -> Finding:
    import av

    missing = [name for name in ("aac", "amrnb", "amrwb") if name not in av.codecs_available]
    ffmpeg = av.library_versions.get("libavcodec", ("?",))[0]
    detail = f"PyAV {importlib.metadata.version('av')} (libavcodec {ffmpeg}): m4a, aac, amr, 3gp, mp4"
    if missing:
        return Finding("Phone files", Verdict.NOTE, f"{detail} without {', '.join(missing)}", "Update PyAV.")
    return Finding("Phone files", Verdict.OK, detail)


def _microphones() -> Finding:
    from engine.audio.capture import list_input_devices

    try:
        devices = list_input_devices()
    except SerStudioError as error:
        return Finding("Microphone", Verdict.NOTE, error.message, error.hint)
    if not devices:
        return Finding("Microphone", Verdict.NOTE, "none found", "Plug one in; files work without it.")
    names = ", ".join(f"{each.name}{' (default)' if each.is_default else ''}" for each in devices)
    return Finding("Microphone", Verdict.OK, names)


def _display() -> Finding:
    if not sys.platform.startswith("linux"):
        return Finding("Display", Verdict.OK, platform.system())
    for name in ("WAYLAND_DISPLAY", "DISPLAY"):
        if os.environ.get(name):
            return Finding("Display", Verdict.OK, f"{name}={os.environ[name]}")
    return Finding("Display", Verdict.NOTE, "none", "The window needs one; every verb works in the terminal.")


def _writable() -> Finding:
    refused = []
    folders = {
        "settings": Path(platformdirs.user_config_dir("serstudio", appauthor=False)),
        "logs": Path(platformdirs.user_log_dir("serstudio", appauthor=False)),
        "temporary": Path(tempfile.gettempdir()),
    }
    for name, folder in folders.items():
        nearest = next((each for each in (folder, *folder.parents) if each.exists()), folder)
        if not os.access(nearest, os.W_OK):
            refused.append(f"{name} ({nearest})")
    if refused:
        return Finding("Folders", Verdict.PROBLEM, f"cannot write: {', '.join(refused)}", "Give yourself the right.")
    return Finding("Folders", Verdict.OK, f"writable: {', '.join(folders)}")


def _disk() -> Finding:
    free_gb = shutil.disk_usage(Path.home()).free / 1e9
    detail = f"{free_gb:.0f} GB free in your home folder"
    if free_gb < _NEEDED_FREE_GB:
        return Finding("Disk", Verdict.NOTE, detail, "Free some space: models and clips need it.")
    return Finding("Disk", Verdict.OK, detail)


LOOKS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "Packages": _packages,
    "Torch": _torch,
    "Compute": _compute,
    "Memory": _memory,
    "Bundled bases": _base,
    "Models": _models,
    "Audio files": _formats,
    "Phone files": _phone_formats,
    "Microphone": _microphones,
    "Display": _display,
    "Folders": _writable,
    "Disk": _disk,
}
