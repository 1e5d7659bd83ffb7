"""Classify files with an adapted model."""

from collections.abc import Iterator

from engine.classification import Classification, classify_in_blocks, load_to_classify
from engine.errors import AudioError
from serstudio.usecases.audio_files import find_audio_files, shown
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.find_model import find_model
from serstudio.usecases.requests import ClassifyFiles, FileResult, FilesClassified, Skipped
from serstudio.wording import counted


def classify_files(request: ClassifyFiles) -> Iterator[Event]:
    """Files, and folders of files, one after the other; what cannot be read is skipped, with the reason."""
    yield Progress(0, None, "Loading the model")
    ready = load_to_classify(find_model(request.model), request.device, request.precision)
    model = ready.model
    if ready.note:
        yield Warned(ready.note)
    if request.speaker is not None:
        model = model.for_speaker(request.speaker)
    found = find_audio_files(request.paths)
    files = found.files
    results: list[FileResult] = []
    skipped = list(found.unreadable_folders)
    for folder in skipped:
        yield Warned(f"{folder.file}: {folder.reason}.", "Change its permissions, then classify it again.")
    for step, file in enumerate(files, start=1):
        try:
            for event in classify_in_blocks(model, file):
                if isinstance(event, Classification):
                    results.append(
                        FileResult(shown(file), event.label, event.scores, event.duration_s, event.window_count)
                    )
                else:
                    yield Progress(step - 1, len(files), f"{shown(file.name)}, {event:.0f} s")
        except AudioError as error:
            skipped.append(Skipped(shown(file), str(error)))
            yield Warned(f"{shown(file.name)} was skipped: {error.message}", error.hint)
        yield Progress(step, len(files), "Classifying")
    split = sum(result.window_count > 1 for result in results)
    if split:
        yield Warned(f"{counted(split, 'clip')} longer than 9.4 s: split into windows, and the scores averaged.")
    yield Done(FilesClassified(tuple(results), tuple(skipped)))
