"""Bring audio into a project: files, folders, or the rows of a manifest, as one undoable action."""

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.audio.decode import AUDIO_SUFFIXES, MAX_CLIP_S, check_audio
from engine.checksums import sha256_of
from engine.errors import AudioError, ManifestError
from engine.names import same_name
from engine.user_path import user_path
from serstudio.errors import ProjectError
from serstudio.interchange.manifest import read_manifest
from serstudio.project import Clip, NewClip, Project
from serstudio.project.palette import clean_name
from serstudio.usecases.audio_files import find_audio_files, real, shown
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.import_findings import Findings, Source, notes
from serstudio.usecases.kept_audio import copy_audio, is_whole
from serstudio.usecases.requests import ImportClips, ImportReport, Skipped
from serstudio.wording import counted, listed


def import_clips(request: ImportClips) -> Iterator[Event]:
    """Yield `Progress` a file and `Done(ImportReport)`. Raises ProjectError and ManifestError.

    A file that cannot be used is skipped with a reason; the others go on. Stopping the generator
    half-way leaves the project as it was.
    """
    with Project.open(request.folder) as project:
        findings = Findings(project.audio_staging_folder())
        groups = _groups(request, findings)
        for folder in findings.skipped:
            yield Warned(f"{folder.file}: {folder.reason}.", "Change its permissions, then import it again.")
        limit = request.per_label
        clock = _Clock(sum(len(group) if limit is None else min(limit, len(group)) for group in groups))
        for group in groups:
            taken = 0
            for source in group:
                if limit is not None and taken >= limit:
                    break
                yield clock.step(shown(source.file.name))
                taken += _take(project, source, findings)
            if limit is not None and taken < limit:
                name = group[0].label or "no label"
                yield Warned(f"'{name}': {taken} new clips were found; {limit} were asked for.")
        yield Done(_commit(project, findings))


class _Clock:
    """Progress with the time left, from how long the files so far have taken."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start_s = time.monotonic()

    def step(self, message: str) -> Progress:
        passed_s = time.monotonic() - self._start_s
        left = max(0, self._total - self._done)
        remaining_s = passed_s / self._done * left if self._done else None
        self._done += 1  # with `per_label`, files that are skipped come on top of the total
        return Progress(self._done, max(self._total, self._done), message, remaining_s=remaining_s)


# --- which files -----------------------------------------------------------------------------------


def _groups(request: ImportClips, findings: Findings) -> list[list[Source]]:
    """The files in the order in which they are tried; with `per_label`, one group a label, shuffled."""
    if request.manifest is None:
        if request.only_labels or request.per_label is not None:
            raise ManifestError(
                "Labels can be chosen only where a manifest names them.", "Give a manifest, or leave them out."
            )
        found = find_audio_files(request.paths)
        findings.skipped += found.unreadable_folders
        findings.other_types = found.other_types
        return [[Source(file) for file in found.files]]
    sources = _from_manifest(request, request.manifest)
    if request.per_label is None:
        return [sources]
    by_label: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        by_label[same_name(source.label or "")].append(source)
    groups = list(by_label.values())
    for group in groups:
        random.Random(request.seed).shuffle(group)
    return groups


def _from_manifest(request: ImportClips, manifest: Path) -> list[Source]:
    rows = read_manifest(manifest, request.root).rows
    wanted = {same_name(label) for label in request.only_labels}
    present = {same_name(row.label or "") for row in rows}
    for label in request.only_labels:
        if same_name(label) not in present:
            known = ", ".join(sorted({row.label for row in rows if row.label}))
            raise ManifestError(f"{manifest.name} has no rows of the label '{label}'.", f"It has: {known}.")
    parts = [real(user_path(path)) for path in request.paths]
    sources = [
        Source(row.file, row.label, row.speaker)
        for row in rows
        if (not wanted or same_name(row.label or "") in wanted)
        and (not parts or any(real(row.file).is_relative_to(part) for part in parts))
    ]
    if not sources:
        raise ManifestError(
            f"{manifest.name} has no rows of the files and labels that were asked for.",
            "Check the paths: they are compared with those in its column 'file'.",
        )
    return sources


# --- one file --------------------------------------------------------------------------------------


def _take(project: Project, source: Source, findings: Findings) -> int:
    """Check one file and copy it aside. Returns 1 if it will be a new clip."""
    try:
        if source.label:
            clean_name(source.label, "label")
    except ProjectError as error:
        findings.skipped.append(Skipped(shown(source.file), str(error)))
        return 0
    try:
        clip = _checked_copy(project, source, findings)
    except AudioError as error:
        findings.skipped.append(Skipped(shown(source.file), shown(str(error))))
        return 0
    except OSError as error:
        reason = f"it could not be copied ({error.strerror or error})"
        findings.skipped.append(Skipped(shown(source.file), reason))
        return 0
    if clip is None:
        return 0
    findings.hashes[clip.sha256] = source
    findings.new.append((clip, source.label))
    return 1


def _checked_copy(project: Project, source: Source, findings: Findings) -> NewClip | None:
    """The file as a clip, its copy in the staging folder; None (and a reason) if it is there already."""
    suffix = source.file.suffix.lower()
    if suffix not in AUDIO_SUFFIXES and source.file.is_file():
        kind = f"Files of type {suffix}" if suffix else "Files without a suffix"
        listed = suffix in (".csv", ".tsv")
        hint = "A list of clips goes in by CSV list, or --manifest." if listed else "Convert it to WAV or FLAC."
        raise AudioError(f"{kind} are not read here.", hint)
    if not source.file.is_file() or source.file.stat().st_size == 0:
        check_audio(source.file)  # raises, and says what is wrong
    sha256 = sha256_of(source.file)
    if (reason := _known(project, source, sha256, findings)) is not None:
        findings.skipped.append(Skipped(shown(source.file), reason, is_known=True))
        return None
    info = check_audio(source.file)
    file = f"audio/{sha256}{suffix}"
    if not is_whole(project.folder / file):
        copy_audio(source.file, findings.staging / Path(file).name, sha256)
    name = shown(source.file.name)
    if info.duration_s > MAX_CLIP_S:
        findings.long.append(name)
    if info.silent:
        findings.silent.append(name)
    if info.overscaled:
        findings.overscaled.append(name)
    return NewClip(sha256, file, name, info.duration_s, info.rate_hz, info.channels, source.speaker)


def _known(project: Project, source: Source, sha256: str, findings: Findings) -> str | None:
    """Why this recording is not added once more; None if it is new."""
    twin = findings.hashes.get(sha256)
    if twin is not None:
        other = "" if same_name(twin.label or "") == same_name(source.label or "") else ", with another label"
        return f"the same recording as {shown(twin.file.name)}, which is being added{other}"
    clip = project.find_hash(sha256)
    if clip is None:
        return None
    words = [f"in the project already, as {clip.name}"]
    if clip.id not in findings.restored and not is_whole(project.clip_path(clip)):
        words.append(f"its recording was {_restore(project, clip, source, findings)} and is restored")
    missing = _missing(clip, source)
    if missing and clip.id not in findings.completed:
        findings.completed[clip.id] = source
        words.append(f"its {missing} was missing and is taken from here")
    return "; ".join(words)


def _restore(project: Project, clip: Clip, source: Source, findings: Findings) -> str:
    """Copy the original of a lost recording aside once more, under the name that the project has for it."""
    kept = project.clip_path(clip)
    copy_audio(source.file, findings.staging / kept.name, clip.sha256)
    findings.restored[clip.id] = clip.name
    return "damaged" if kept.exists() else "missing"


def _missing(clip: Clip, source: Source) -> str:
    """What the manifest knows of a clip of the project that the user has not said."""
    parts = []
    if source.label and clip.label_id is None:
        parts.append("label")
    if source.speaker and clip.speaker is None:
        parts.append("speaker")
    return listed(parts)


# --- the one action --------------------------------------------------------------------------------


def _commit(project: Project, findings: Findings) -> ImportReport:
    """Move the copies to their names and write the rows: one transaction, one undo step."""
    for copy in findings.staging.iterdir():
        copy.replace(project.audio_folder / copy.name)
    count = len(findings.new)
    text = f"Import {findings.new[0][0].name}" if count == 1 else f"Import {count} clips"
    if not count and findings.completed:
        text = f"Complete {counted(len(findings.completed), 'clip')} from a manifest"
    with project.action(text):
        # Somebody else may have added the same recording while this one was being checked, or removed a clip.
        new = [(clip, label) for clip, label in findings.new if project.find_hash(clip.sha256) is None]
        completed = [(clip, findings.completed[clip.id]) for clip in project.clips() if clip.id in findings.completed]
        wanted = [label for _, label in new] + [source.label for clip, source in completed if clip.label_id is None]
        ids, new_labels = _label_ids(project, wanted)
        clips = [replace(clip, label_id=ids.get(same_name(label or ""))) for clip, label in new]
        added = project.add_clips(clips, text)
        for old, source in completed:
            if source.label and old.label_id is None:
                project.set_label([old.id], ids[same_name(source.label)])
            if source.speaker and old.speaker is None:
                project.set_speaker([old.id], source.speaker)
    return ImportReport(tuple(clip.id for clip in added), tuple(findings.skipped), tuple(notes(findings)), new_labels)


def _label_ids(project: Project, wanted: Sequence[str | None]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Label ids by compared name, and those of the labels `wanted` that had to be added, in their order."""
    ids = {same_name(label.name): label.id for label in project.labels()}
    new_labels = []
    for name in wanted:
        if name and same_name(name) not in ids:
            label = project.add_label(clean_name(name, "label"))
            ids[same_name(name)] = label.id
            new_labels.append(label.name)
    return ids, tuple(new_labels)
