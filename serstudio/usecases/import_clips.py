"""Bring audio into a project: files, folders, or the rows of a manifest, as one undoable action."""

import hashlib
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.audio.decode import AUDIO_SUFFIXES, MAX_CLIP_S, AudioInfo, check_audio
from engine.errors import AudioError, ManifestError
from serstudio.interchange.manifest import read_manifest
from serstudio.project import NewClip, Project
from serstudio.project.palette import clean_name, same_name
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.requests import ImportClips, ImportReport, Skipped


@dataclass(frozen=True)
class _Source:
    """One file to bring in, and what the manifest says of it."""

    file: Path
    shown: str  # the path as the user gave it
    label: str | None = None
    speaker: str | None = None


@dataclass
class _Findings:
    """What an import has come to so far; nothing is in the project until `_commit`."""

    staging: Path
    new: list[tuple[NewClip, str | None]] = field(default_factory=list)  # with the label's name
    labelled: dict[int, str] = field(default_factory=dict)  # clips that were there, unlabelled
    skipped: list[Skipped] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)  # sha256 of this batch -> name of the file
    long: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    other_types: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def import_clips(request: ImportClips) -> Iterator[Event]:
    """Yield `Progress` a file and `Done(ImportReport)`. Raises ProjectError and ManifestError.

    A file that cannot be used is skipped with a reason; the others go on. Stopping the generator
    half-way leaves the project as it was.
    """
    with Project.open(request.folder) as project:
        findings = _Findings(project.audio_staging_folder())
        groups = _groups(request, findings)
        for folder_problem in findings.skipped:
            yield Warned(f"{folder_problem.file}: {folder_problem.reason}")
        limit = request.per_label
        total = sum(len(group) if limit is None else min(limit, len(group)) for group in groups)
        step = 0
        for group in groups:
            taken = 0
            for source in group:
                if limit is not None and taken >= limit:
                    break
                step += 1
                yield Progress(step, max(total, step), source.file.name)
                taken += _take(project, source, findings)
            if limit is not None and taken < limit:
                name = group[0].label or "unlabelled"
                yield Warned(f"Only {taken} new clips of '{name}' could be added; {limit} were asked for.")
        yield Done(_commit(project, findings))


# --- which files -----------------------------------------------------------------------------------


def _groups(request: ImportClips, findings: _Findings) -> list[list[_Source]]:
    """The files in the order in which they are tried; with `per_label`, one group a label, shuffled."""
    if request.manifest is None:
        if request.only_labels or request.per_label is not None:
            raise ManifestError(
                "Labels can be chosen only where a manifest names them.",
                "Give a manifest, or leave them out.",
            )
        return [_from_paths(request.paths, findings)]
    sources = _from_manifest(request)
    if request.per_label is None:
        return [sources]
    by_label: dict[str, list[_Source]] = defaultdict(list)
    for source in sources:
        by_label[same_name(source.label or "")].append(source)
    groups = list(by_label.values())
    for group in groups:
        random.Random(request.seed).shuffle(group)
    return groups


def _from_manifest(request: ImportClips) -> list[_Source]:
    assert request.manifest is not None
    rows = read_manifest(request.manifest, request.root).rows
    wanted = {same_name(label) for label in request.only_labels}
    present = {same_name(row.label or "") for row in rows}
    for label in request.only_labels:
        if same_name(label) not in present:
            known = ", ".join(sorted({row.label for row in rows if row.label}))
            raise ManifestError(
                f"{request.manifest.name} has no rows of the label '{label}'.", f"Its labels are: {known}."
            )
    parts = [path.expanduser().resolve() for path in request.paths]
    return [
        _Source(row.file, str(row.file), row.label, row.speaker)
        for row in rows
        if (not wanted or same_name(row.label or "") in wanted)
        and (not parts or any(row.file.resolve().is_relative_to(part) for part in parts))
    ]


def _from_paths(paths: Iterable[Path], findings: _Findings) -> list[_Source]:
    sources: dict[Path, _Source] = {}
    for given in paths:
        path = given.expanduser()
        found = _in_folder(path, findings) if path.is_dir() else [path]
        for file in found:
            sources.setdefault(file.resolve(), _Source(file, str(file)))
    return list(sources.values())


def _in_folder(folder: Path, findings: _Findings) -> list[Path]:
    """All audio files below `folder`, in a steady order; hidden files and folders are not looked at."""

    def on_error(error: OSError) -> None:
        findings.skipped.append(
            Skipped(str(error.filename), f"the folder could not be read ({error.strerror})")
        )

    files: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=on_error):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            suffix = Path(name).suffix.lower()
            if suffix in AUDIO_SUFFIXES:
                files.append(Path(parent) / name)
            else:
                findings.other_types[suffix or "no suffix"] += 1
    return files


# --- one file --------------------------------------------------------------------------------------


def _take(project: Project, source: _Source, findings: _Findings) -> int:
    """Check one file and copy it aside. Returns 1 if it will be a new clip."""
    try:
        clip = _checked_copy(project, source, findings)
    except AudioError as error:
        findings.skipped.append(Skipped(source.shown, f"{error.message} {error.hint}".strip()))
        return 0
    except OSError as error:
        findings.skipped.append(Skipped(source.shown, f"it could not be copied ({error.strerror or error})"))
        return 0
    if clip is None:
        return 0
    findings.hashes[clip.sha256] = source.file.name
    findings.new.append((clip, source.label))
    return 1


def _checked_copy(project: Project, source: _Source, findings: _Findings) -> NewClip | None:
    """The file as a clip, its copy in the staging folder; None (and a reason) if it is there already."""
    suffix = source.file.suffix.lower()
    if suffix not in AUDIO_SUFFIXES and source.file.is_file():
        raise AudioError(
            f"{suffix or 'a file without a suffix'} is not a type of audio that is read here.",
            "Convert it to WAV or FLAC.",
        )
    info: AudioInfo | None = None
    if not source.file.is_file() or source.file.stat().st_size == 0:
        info = check_audio(source.file)  # says what is wrong
    sha256 = _hash(source.file)
    if _is_known(project, source, sha256, findings):
        return None
    info = info or check_audio(source.file)
    file = f"audio/{sha256}{suffix}"
    if not _is_whole(project.folder / file, source.file):
        _copy(source.file, findings.staging / Path(file).name, sha256)
    if info.duration_s > MAX_CLIP_S:
        findings.long.append(source.file.name)
    if info.silent:
        findings.silent.append(source.file.name)
    return NewClip(
        sha256=sha256,
        file=file,
        name=source.file.name,
        duration_s=info.duration_s,
        rate_hz=info.rate_hz,
        channels=info.channels,
        speaker=source.speaker,
    )


def _is_known(project: Project, source: _Source, sha256: str, findings: _Findings) -> bool:
    if sha256 in findings.hashes:
        reason = f"the same recording as {findings.hashes[sha256]}, which is being added"
        findings.skipped.append(Skipped(source.shown, reason))
        return True
    known = project.find_hash(sha256)
    if known is None:
        return False
    if source.label and known.label_id is None and known.id not in findings.labelled:
        findings.labelled[known.id] = source.label
        reason = f"in the project already, as {known.name}; its label was missing and is taken from here"
    else:
        reason = f"in the project already, as {known.name}"
    findings.skipped.append(Skipped(source.shown, reason))
    return True


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(kept: Path, original: Path) -> bool:
    """Whether an earlier import left this very audio (the name is its hash; a cut copy is shorter)."""
    return kept.is_file() and kept.stat().st_size == original.stat().st_size


def _copy(source: Path, target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())  # the row must never outlive the audio, not even in a power cut
    if digest.hexdigest() != sha256:
        target.unlink()
        raise AudioError(f"{source.name} changed while it was being read.", "Import it when it is finished.")


# --- the one action --------------------------------------------------------------------------------


def _commit(project: Project, findings: _Findings) -> ImportReport:
    """Move the copies to their names and write the rows: one transaction, one undo step."""
    for copy in findings.staging.iterdir():
        copy.replace(project.audio_folder / copy.name)
    new_labels: list[str] = []
    count = len(findings.new)
    text = f"Import {findings.new[0][0].name}" if count == 1 else f"Import {count} clips"
    if not count and findings.labelled:
        text = f"Label {len(findings.labelled)} clips from a manifest"
    with project.action(text):
        names = [*(label for _, label in findings.new if label), *findings.labelled.values()]
        ids = _label_ids(project, names, new_labels)
        clips = [replace(clip, label_id=ids.get(same_name(label or ""))) for clip, label in findings.new]
        added = project.add_clips(clips, text)
        for clip_id, label in findings.labelled.items():
            project.set_label([clip_id], ids[same_name(label)])
    return ImportReport(
        tuple(clip.id for clip in added), tuple(findings.skipped), tuple(_notes(findings)), tuple(new_labels)
    )


def _label_ids(project: Project, names: Sequence[str], new_labels: list[str]) -> dict[str, int]:
    """Label ids by compared name; those that the project lacks are added, in the order of the manifest."""
    ids = {same_name(label.name): label.id for label in project.labels()}
    for name in names:
        if same_name(name) not in ids:
            added = project.add_label(clean_name(name, "label"))
            ids[same_name(name)] = added.id
            new_labels.append(added.name)
    return ids


def _notes(findings: _Findings) -> Iterator[str]:
    if findings.long:
        yield (
            f"{_files(findings.long)} longer than {MAX_CLIP_S:.1f} s: will be split into windows of "
            f"{MAX_CLIP_S:.1f} s for adapting and classifying; nothing is cut off."
        )
    if findings.silent:
        yield f"{_files(findings.silent)} silent: listen before labelling."
    if findings.labelled:
        count = len(findings.labelled)
        yield f"{count} clip{'s' if count > 1 else ''} that had no label got the manifest's."
    if findings.other_types:
        types = ", ".join(f"{count} {suffix}" for suffix, count in sorted(findings.other_types.items()))
        yield f"Files of other types in the folders were left alone: {types}."


def _files(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is"
    shown = ", ".join(names[:3])
    return f"{len(names)} clips ({shown}{', ...' if len(names) > 3 else ''}) are"
