"""Classify files with an adapted model."""

from collections.abc import Iterator

from engine.adaptation.settings import Remark
from engine.batch_classification import Heard, Refused, Scored, classify_in_batches
from engine.classification import load_to_classify
from serstudio.usecases.audio_files import find_audio_files, shown
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.find_model import find_model
from serstudio.usecases.requests import ClassifyFiles, FileResult, FilesClassified, Skipped
from serstudio.wording import counted


def classify_files(request: ClassifyFiles) -> Iterator[Event]:
    """Files, and folders of files, in batches; what cannot be read is skipped, with the reason."""
    yield Progress(0, None, "Loading the model")
    ready = load_to_classify(find_model(request.model), request.device, request.precision)
    model = ready.model
    if ready.note:
        yield Warned(ready.note)
    if request.speaker is not None:
        model = model.for_speaker(request.speaker)
    found = find_audio_files(request.paths)
    files = found.files
    results: dict[int, FileResult] = {}  # by number: batches do not keep the order
    skipped = list(found.unreadable_folders)
    for folder in skipped:
        yield Warned(f"{folder.file}: {folder.reason}.", "Change its permissions, then classify it again.")
    refused = 0
    for event in classify_in_batches(model, files):
        message = "Classifying"
        match event:
            case Heard(number, seconds):
                message = f"{shown(files[number].name)}, {seconds:.0f} s"
            case Scored(answers):
                for number, each in answers.items():
                    results[number] = FileResult(
                        shown(files[number]), each.label, each.scores, each.duration_s, each.window_count
                    )
            case Remark():
                yield Warned(event.message, event.hint)
            case Refused(number, error):
                refused += 1
                skipped.append(Skipped(shown(files[number]), str(error)))
                yield Warned(f"{shown(files[number].name)} was skipped: {error.message}", error.hint)
        yield Progress(len(results) + refused, len(files), message)
    split = sum(result.window_count > 1 for result in results.values())
    if split:
        yield Warned(f"{counted(split, 'clip')} longer than 9.4 s: split into windows, and the scores averaged.")
    in_order = tuple(result for _, result in sorted(results.items()))
    yield Done(FilesClassified(in_order, tuple(skipped)))
