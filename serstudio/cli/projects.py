"""new, import, label: a project and its clips."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serstudio.cli import output
from serstudio.errors import SerStudioError
from serstudio.usecases.requests import ImportClips, ImportReport, NewProject, ProjectCreated
from serstudio.wording import counted

if TYPE_CHECKING:
    from serstudio.project import Clip, Project

FOLDER = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

_SHOWN_SKIPS = 20


def split_names(text: str) -> tuple[str, ...]:
    """`anger, joy` as ("anger", "joy"); an empty text as no names."""
    return tuple(part.strip() for part in text.split(",")) if text.strip() else ()


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--name", help="The project's name. [default: the folder's]")
@click.option("--language", default="", help="The language of the clips, in your words.")
@click.option("--labels", default="", metavar="A,B,...", help="Your labels, in any script.")
@json_option
def new(folder: Path, name: str | None, language: str, labels: str, as_json: bool) -> None:
    """Create a project in the new or empty folder DIR."""
    request = NewProject(
        folder=folder,
        name=name if name is not None else folder.resolve().name,
        language=language,
        labels=split_names(labels),
    )
    created = output.follow(request, ProjectCreated)
    if as_json:
        output.print_json(created)
        return
    output.say(f"Created {created.folder} with {counted(len(request.labels), 'label')}.")
    output.say(f"Next: serstudio import {_quoted(folder)} FILES-OR-FOLDERS")


@click.command(name="import")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=FOLDER)
@click.option("--manifest", type=FOLDER, metavar="CSV", help="Table with columns file,label,speaker.")
@click.option("--root", type=FOLDER, metavar="DIR", help="Where the manifest's files lie. [default: beside it]")
@click.option("--per-label", type=click.IntRange(min=1), metavar="N", help="At most N new clips of a label.")
@click.option("--only-labels", default="", metavar="A,B,...", help="Only these labels of the manifest.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the clips of --per-label.")
@json_option
def import_(
    folder: Path,
    paths: tuple[Path, ...],
    manifest: Path | None,
    root: Path | None,
    per_label: int | None,
    only_labels: str,
    seed: int,
    as_json: bool,
) -> None:
    """Bring files, folders or a CSV manifest into the project DIR.

    Reads wav, flac, mp3, ogg, opus, m4a, aac, amr, 3gp and mp4. Files are copied; the originals stay
    untouched. A clip that is there already is skipped; its recording, if that was lost, is put back.
    """
    if not paths and manifest is None:
        raise click.UsageError("Nothing to import: give files or folders, or --manifest.")
    if manifest is None and (per_label is not None or only_labels or root is not None):
        raise click.UsageError("--per-label, --only-labels and --root need --manifest.")
    report = output.follow(
        ImportClips(
            folder=folder,
            paths=paths,
            manifest=manifest,
            root=root,
            per_label=per_label,
            only_labels=split_names(only_labels),
            seed=seed,
        ),
        ImportReport,
    )
    if as_json:
        output.print_json(report)
    else:
        _say_report(report)
    if not report.added_clip_ids and not report.skipped:
        raise SerStudioError("No audio file was found there.", "Check the folder; --help tells the formats.")
    if not report.added_clip_ids and not all(skipped.is_known for skipped in report.skipped):
        raise SerStudioError("Nothing was added.", "The reasons stand beside each file.")


def _say_report(report: ImportReport) -> None:
    output.say(f"Added {counted(len(report.added_clip_ids), 'clip')}.")
    if report.new_labels:
        output.say(f"New labels: {', '.join(report.new_labels)}.")
    for note in report.notes:
        output.say(f"Note: {note}")
    if report.skipped:
        output.say(f"Skipped {counted(len(report.skipped), 'file')}:")
    for skipped in report.skipped[:_SHOWN_SKIPS]:
        output.say(f"  {skipped.file}: {skipped.reason}")
    if len(report.skipped) > _SHOWN_SKIPS:
        output.say(f"  and {len(report.skipped) - _SHOWN_SKIPS} more (--json lists them all)")


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("clips", metavar="[CLIP]...", nargs=-1)
@click.option("--as", "label_name", metavar="LABEL", help="Give the clips this label.")
@click.option("--clear", is_flag=True, help="Take the label off the clips.")
@click.option("--speaker", metavar="S", help="Say who speaks in the clips.")
@click.option("--add-label", metavar="NAME", help="Add a label to the project.")
@click.option("--list", "list_clips", is_flag=True, help="List the clips with their labels.")
@click.option("--undo", is_flag=True, help="Take back the last action.")
@click.option("--redo", is_flag=True, help="Do again what was taken back.")
@json_option
def label(
    folder: Path,
    clips: tuple[str, ...],
    label_name: str | None,
    clear: bool,
    speaker: str | None,
    add_label: str | None,
    list_clips: bool,
    undo: bool,
    redo: bool,
    as_json: bool,
) -> None:
    """Label clips of the project DIR, or list them.

    A CLIP is a file name or its path, a pattern (maria*), the number from --list, or the start of a hash.
    """
    from serstudio.project import Project

    changes_clips = label_name is not None or clear or speaker is not None
    if label_name is not None and clear:
        raise click.UsageError("Give either --as or --clear.")
    if changes_clips != bool(clips):
        raise click.UsageError("Give both clips and what to do with them: --as LABEL, --clear or --speaker S.")
    if not (changes_clips or add_label or list_clips or undo or redo):
        list_clips = True
    with Project.open(folder) as project:
        if undo or redo:  # a recovered recording would be the last action, and nothing could be done again
            output.warn(_step_back(project, undo=undo))
        else:
            keep_recovered(project)
        several = sum((add_label is not None, label_name is not None or clear, speaker is not None)) > 1
        with project.action("Change clips and labels") if several else nullcontext():
            if add_label is not None:
                project.add_label(add_label)
            changed = _change_clips(project, clips, label_name, clear, speaker) if changes_clips else []
        _say_clips(project, project.clips() if list_clips else changed, as_json)


def keep_recovered(project: "Project") -> None:
    """Keep what a recording that was cut off (power, crash) has left, and say so."""
    from serstudio.usecases.record_clip import recover_recordings

    for clip in recover_recordings(project):
        output.warn(f"A recording that was cut off is kept as '{clip.name}' ({clip.duration_s:.1f} s).")


def _step_back(project: "Project", *, undo: bool) -> str:
    text = project.undo() if undo else project.redo()
    if text is None:
        return "There is nothing to take back." if undo else "There is nothing to do again."
    return f"Taken back: {text}." if undo else f"Done again: {text}."


def _change_clips(
    project: "Project", patterns: tuple[str, ...], label_name: str | None, clear: bool, speaker: str | None
) -> "list[Clip]":
    from serstudio.usecases.label_clips import find_clips, label_clips

    found = [clip.id for clip in find_clips(project, patterns)]
    if label_name is not None or clear:
        label_clips(project, found, label_name)
    if speaker is not None:
        project.set_speaker(found, speaker.strip() or None)
    return [project.clip(clip_id) for clip_id in found]


def _say_clips(project: "Project", clips: "list[Clip]", as_json: bool) -> None:
    names = {each.id: each.name for each in project.labels()}
    rows = [
        {
            "id": clip.id,
            "file": clip.name,
            "label": names.get(clip.label_id) if clip.label_id is not None else None,
            "speaker": clip.speaker,
            "duration_s": clip.duration_s,
        }
        for clip in clips
    ]
    if as_json:
        counts = {names[label_id]: count for label_id, count in project.label_counts().items()}
        output.print_json({"clips": rows, "label_counts": counts})
        return
    if rows:
        output.print_table(
            ("id", "file", "label", "speaker", "seconds"),
            [
                (
                    str(row["id"]),
                    str(row["file"]),
                    str(row["label"] or "-"),
                    str(row["speaker"] or "-"),
                    f"{row['duration_s']:.1f}",
                )
                for row in rows
            ],
            numbers=("id", "seconds"),
        )
    counted = project.label_counts()
    output.say("Labels: " + (", ".join(f"{names[i]} {counted.get(i, 0)}" for i in names) or "none yet"))


def _quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
