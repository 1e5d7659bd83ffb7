"""Reading a corpus by name: its layout, durations, and what had to be left out."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from engine.audio.decode import MAX_CLIP_S, MIN_CLIP_S, probe_audio
from engine.errors import AudioError, CorpusError
from engine.metalearning.corpora.corpus import Corpus, CorpusClip, Findings, FoundClip
from engine.metalearning.corpora.manifest import MANIFEST, find_by_manifest
from engine.metalearning.corpora.registry import CORPORA, CorpusInfo, Task
from engine.names import first_spellings

_READERS = 8  # headers are read from disk or network while others wait
_AT_ONCE = 4096  # Common Voice has millions of clips


def read_corpus(name: str, root: Path, *, longest_s: float | None = MAX_CLIP_S) -> Corpus:
    """The clips of the corpus `name` in the folder `root`, whose layout is the published one or has a manifest.csv.

    Clips over `longest_s` seconds are left out and counted (main paper, section 4.2: 9.375 s, or 150,000 samples);
    None keeps all. Durations come from the manifest or the audio headers; nothing is decoded.

    Raises CorpusError: an unknown name, no such folder, nothing recognised, or no file with usable sound.
    """
    info = CORPORA.get(name)
    if info is None:
        raise CorpusError(f"There is no reader for a corpus named {name!r}.", f"Known are {', '.join(CORPORA)}.")
    if not root.is_dir():
        raise CorpusError(f"{info.title} is not there: no folder {root}.", f"Put it there ({info.layout}).")
    findings = _find(info, root)
    if not findings.clips:
        raise _nothing(info, root, findings)
    measured = [clip for clip in _measured(findings.clips) if clip is not None]
    if not measured:
        raise CorpusError(
            f"None of the {len(findings.clips)} files of {info.title} in {root} could be read as sound.",
            "Unpack the corpus again.",
        )
    kept = [clip for clip in measured if longest_s is None or clip.duration_s <= longest_s]
    return Corpus(
        name,
        info.language,
        tuple(_in_one_spelling(sorted(kept, key=lambda clip: clip.path))),
        too_long=len(measured) - len(kept),
        missing=findings.missing,
        unreadable=len(findings.clips) - len(measured),
        unlabelled=findings.unlabelled,
    )


def _in_one_spelling(clips: Sequence[CorpusClip]) -> Iterator[CorpusClip]:
    """Every speaker under the first spelling: under two he would be on both sides of a split by speakers."""
    spellings = first_spellings((clip.speaker or "").strip() for clip in clips)
    for clip in clips:
        yield replace(clip, speaker=spellings[(clip.speaker or "").strip()] or None)


def _find(info: CorpusInfo, root: Path) -> Findings:
    if (root / MANIFEST).is_file() and info.task is Task.EMOTION:
        return find_by_manifest(root)
    try:
        return info.find(root)
    except CorpusError as error:
        raise CorpusError(f"{info.title} was not recognised: {error.message}", error.hint) from error


def _nothing(info: CorpusInfo, root: Path, findings: Findings) -> CorpusError:
    if findings.missing:
        return CorpusError(
            f"The tables of {info.title} in {root} name {findings.missing} clips, and none of them is there.",
            f"Unpack its sound too ({info.layout}).",
        )
    if findings.unlabelled:
        return CorpusError(
            f"None of the {findings.unlabelled} files of {info.title} in {root} has a label that is known.",
            f"Looked for {info.layout}.",
        )
    return CorpusError(f"{root} does not look like {info.title}: looked for {info.layout}.", "Check the folder.")


def _measured(clips: Iterable[FoundClip]) -> Iterator[CorpusClip | None]:
    """The clips with their durations, None for those that have no audio header, or hardly any sound."""
    rest = iter(clips)
    with ThreadPoolExecutor(_READERS) as pool:
        while some := list(islice(rest, _AT_ONCE)):
            yield from pool.map(_measure, some)


def _measure(clip: FoundClip) -> CorpusClip | None:
    duration_s = clip.duration_s
    if duration_s is None:
        try:
            duration_s = probe_audio(clip.path).duration_s
        except AudioError:
            return None
    if duration_s < MIN_CLIP_S:
        return None
    return CorpusClip(clip.path, clip.label, clip.speaker, clip.accent, duration_s)
