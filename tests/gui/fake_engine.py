"""A stand-in for the engine's processes: the same pipes and messages, no torch, answers at once.

It is a module of its own because a spawned process imports it by name. What a request asks for is
steered by its values: see `serve_fake_jobs`.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as StopFlag
from pathlib import Path

import numpy as np

from engine.choices import SYSTEMS
from engine.decision import Decision
from engine.errors import BaseError, LabellingError
from serstudio.project import ModelVersion, Project
from serstudio.project.staging import EXPORT_PREFIX, Staging
from serstudio.usecases import dispatch
from serstudio.usecases.base_requests import (
    AddBase,
    BaseDescribed,
    BaseInstalled,
    BaseRemoved,
    BasesListed,
    BaseState,
    BasesVerified,
    BaseVerified,
    DownloadBase,
    ListBases,
    RemoveBase,
    VerifyBases,
)
from serstudio.usecases.comparison_requests import (
    ComparedMethod,
    CompareProject,
    MethodDifference,
    MethodFigures,
    ProjectCompared,
    compared_methods,
)
from serstudio.usecases.dispatch import Request
from serstudio.usecases.events import Done, Event, Known, Progress, Warned
from serstudio.usecases.requests import (
    AdaptProject,
    CheckProject,
    CheckReport,
    DescribeMachine,
    ExportModel,
    MachineDescribed,
    MeasureMemory,
    MemoryMeasured,
    ModelExported,
    VersionAdded,
)
from serstudio.usecases.stream_live import EndStream, LabelShown, OpenStream, StreamEnded, StreamStarted
from serstudio.usecases.worker_process import Cancelled, failure_of

STUBBORN, DYING, REFUSED, BROKEN, ENDLESS = "stubborn", "dying", "refused", "broken", "endless"


def serve_fake_jobs(connection: Connection, cancel: StopFlag) -> None:
    """As `serve_jobs`; the `base` of a request, or the name of an exported folder, makes it misbehave."""
    try:
        while (request := connection.recv()) is not None:
            _serve_one(connection, cancel, request)
    except (EOFError, OSError):
        return


def _serve_one(connection: Connection, cancel: StopFlag, request: Request) -> None:
    try:
        for event in _events(request):
            connection.send(event)
            if cancel.is_set() and not isinstance(event, Done):
                connection.send(Cancelled())
                return
    except Exception as error:
        connection.send(failure_of(error))


def _events(request: Request) -> Iterator[Event]:
    match request:
        case AdaptProject():
            return _adapt(request)
        case CheckProject():
            return _check(request)
        case CompareProject():
            return _compare(request)
        case ExportModel():
            return _export(request)
        case DescribeMachine():
            step_s = 1.6 if request.tuning else None
            return iter([Done(MachineDescribed("A fake machine: adapting takes no time", ("cpu",), 40.0, step_s))])
        case MeasureMemory():
            return iter([Done(MemoryMeasured("a fake device", 6_200_000_000, 8_000_000_000))])
        case ListBases():
            return iter([Done(BasesListed(tuple(_SHELF.values()), STORE))])
        case DownloadBase():
            return _download(request)
        case AddBase():
            return _add(request)
        case RemoveBase():
            return _remove(request)
        case VerifyBases():
            return _verify(request)
        case _:
            return dispatch.run(request)


def _adapt(request: AdaptProject) -> Iterator[Event]:
    yield Progress(0, None, "Loading the base")
    if request.base == STUBBORN:
        time.sleep(60)
    if request.base == DYING:
        os._exit(3)
    if request.base == REFUSED:
        raise LabellingError("Only one label has clips.", "Label clips of a second one.")
    if request.base == BROKEN:
        raise ZeroDivisionError("in /home/ana/secret.py")
    step, steps, method = 0, request.steps or 25, request.method or "disjoint"
    while request.base == ENDLESS or step < steps:
        step += 1
        time.sleep(0.01)
        yield Progress(min(step, steps), steps, "Adapting", 1.0 / step, 0.1)
    with Project.open(request.folder) as project:
        number = project.next_version_number()
        counts = project.label_counts()
        labels = tuple(label.name for label in project.labels() if counts[label.id])
        count = sum(counts.values())
        folder = project.versions_folder / f"{number:04d}"
        folder.mkdir()
        (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model card\n\nlabels", encoding="utf-8")
        (folder / "config.json").write_text('{"base_licence": "CC BY-NC-SA 4.0"}', encoding="utf-8")
        project.add_version(
            ModelVersion(
                number, f"models/{folder.name}", datetime.now(UTC), request.base, method,
                steps, 1e-5, request.seed, labels, count, 0.2, 0.04, project.labelling(speakers=False),
            )
        )  # fmt: skip
    yield Warned("One label has a single clip.", "Label a second one.")
    yield Done(VersionAdded(number, folder, method, labels, count, 0.2, 0.04, "prototypes", "the CPU", 3_100_000_000))


def add_version(project: Project, **changed: object) -> int:
    """A version like the newest but for what is `changed`, in the same folder; returns its number."""
    number = project.next_version_number()
    project.add_version(replace(project.versions()[-1], number=number, **changed))
    return number


# --- bases -----------------------------------------------------------------------------------------

STORE = Path(__file__).parent  # a folder on a disk with room; nothing is written to it
LARGE, HUGE, DAMAGED = "large", "huge", "damaged"
_GB = 1_000_000_000
_SHELF = {
    base.name: base
    for base in (
        BaseDescribed("compact", "Compact", BaseState.BUNDLED, "CC BY-NC-SA 4.0", 82_000_000, ""),
        BaseDescribed(DAMAGED, "Damaged", BaseState.INSTALLED, "MIT", 2 * _GB, "/media/stick/damaged"),
        BaseDescribed(ENDLESS, "Endless", BaseState.OFFERED, "MIT", _GB, "somebody/endless", "abc123"),
        BaseDescribed(REFUSED, "Refused", BaseState.OFFERED, "MIT", _GB, "somebody/refused", "abc123"),
        BaseDescribed(
            LARGE, "Large 300M", BaseState.OFFERED, "Apache-2.0", 3 * _GB, "somebody/large", "0123456789abcdef",
            315_000_000, "128 languages",
        ),
        BaseDescribed(HUGE, "Huge", BaseState.OFFERED, "MIT", 10**18, "somebody/huge", "abc123"),
    )
}  # fmt: skip
"""What this process has; by name."""


def _download(request: DownloadBase) -> Iterator[Event]:
    base = _SHELF[request.name]
    yield Progress(0, None, f"Connecting: {base.title}")
    if request.name == REFUSED:
        raise BaseError("There is no network.", "Add the model from a folder.")
    done = base.downloaded_bytes
    while request.name == ENDLESS or done < base.size_bytes:
        done = min(done + base.size_bytes // 10, base.size_bytes * 9 // 10 if request.name == ENDLESS else done + _GB)
        _SHELF[request.name] = replace(base, state=BaseState.PARTIAL, downloaded_bytes=done)
        time.sleep(0.01)
        done_mb, total_mb = done // 1_000_000, base.size_bytes // 1_000_000
        yield Progress(done_mb, total_mb, f"Downloading: {base.title}, 1 MB/s", remaining_s=100.0, unit="MB")
    _SHELF[request.name] = replace(base, state=BaseState.INSTALLED, downloaded_bytes=0)
    yield Done(BaseInstalled(_SHELF[request.name], converted=True))


def _add(request: AddBase) -> Iterator[Event]:
    yield Progress(1, 2, "Copying the files")
    name = request.name or request.source.name
    if not request.source.is_dir():
        raise BaseError(f"{request.source} is no folder.", "Choose the model's folder.")
    _SHELF[name] = BaseDescribed(name, name, BaseState.INSTALLED, "MIT", _GB, str(request.source))
    yield Done(BaseInstalled(_SHELF[name], converted=False))


def _remove(request: RemoveBase) -> Iterator[Event]:
    base = _SHELF[request.name]
    _SHELF[request.name] = replace(base, state=BaseState.OFFERED, downloaded_bytes=0)
    yield Warned("Versions of your projects need it.", "They work again when it is back.")
    yield Done(BaseRemoved(request.name, base.downloaded_bytes or base.size_bytes))


def _verify(request: VerifyBases) -> Iterator[Event]:
    yield Progress(1, 2, "Reading files")
    wrong = {DAMAGED: ("model.safetensors",)}
    yield Done(BasesVerified(tuple(BaseVerified(name, wrong.get(name, ())) for name in request.names)))


# --- check and export ------------------------------------------------------------------------------


def _check(request: CheckProject) -> Iterator[Event]:
    with Project.open(request.folder) as project:
        labels = tuple(label.name for label in project.labels())
        first = project.clips()[0]
    size = len(labels)
    confusion = tuple(tuple(4 if row == column else int(column == 0) for column in range(size)) for row in range(size))
    yield Progress(1, 2, "Listening to clips")
    yield Warned("The same voices are on both sides.", "Name the speakers.")
    yield Done(
        CheckReport(
            scheme="folds", fold_count=5, labels=labels, confusion=confusion, accuracy=0.8, interval=(0.6, 0.9),
            unweighted_accuracy=0.79, macro_f1=0.78, clip_count=14, speaker_count=0,
            mistakes=((first.id, labels[1], labels[0]),), chance=1 / size,
        )
    )  # fmt: skip


_COMPARED = {
    "logistic": (0.8, None),
    "disjoint": (0.9, MethodDifference(0.1, -0.05, 0.25)),
    "prototypes": (0.8, MethodDifference(0.0, -0.1, 0.1)),
    "hgfm": (0.5, MethodDifference(-0.3, -0.5, -0.1)),
    "fmaml": (0.4, MethodDifference(-0.4, -0.6, -0.2)),
}
"""Accuracy of each and its difference to the first; a method that is not here fails."""


def _compare(request: CompareProject) -> Iterator[Event]:
    if request.base == STUBBORN:
        time.sleep(60)
    methods = compared_methods(request, "logistic")
    done: list[ComparedMethod] = []
    yield Warned("The same voices are on both sides.", "Name the speakers.")
    for number, method in enumerate(methods, start=1):
        message = f"Method {number} of {len(methods)}, {method}, part 1 of 3, about 2 s left for this method"
        yield Progress(100 * number // len(methods), 100, message, unit="%")
        while request.base == ENDLESS and number == 3:
            time.sleep(0.01)
            yield Progress(40, 100, message, unit="%")
        base = method if method in SYSTEMS else request.base
        compared = ComparedMethod(method, base, method == "logistic", error="It is gone.", hint="Get it.")
        if method in _COMPARED:
            accuracy, difference = _COMPARED[method]
            interval = (accuracy - 0.2, accuracy + 0.1)
            figures = MethodFigures(accuracy, interval, accuracy, accuracy, ((1,),), 2.0, difference)
            compared = ComparedMethod(method, base, method == "logistic", figures)
        done.append(compared)
        yield Known(compared)
    yield Done(ProjectCompared("folds", 3, ("anger", "fear"), 6, 0, 0.5, tuple(done)))


def _export(request: ExportModel) -> Iterator[Event]:
    yield Progress(0, None, "Copying the model")
    if STUBBORN in request.to.name:
        staging = Staging(request.to.parent, EXPORT_PREFIX)
        (staging.folder / "half a model").write_text("x")
        yield Progress(0, None, "Half of it is written")
        time.sleep(60)
    request.to.mkdir()
    (request.to / "README.md").write_text("# card", encoding="utf-8")
    yield Done(ModelExported(request.to, request.version or 1, 7, 0.0, 45_000_000, "CC BY-NC-SA 4.0"))


def serve_fake_live(connection: Connection) -> None:
    """As `serve_live`: the first label grows surer with each answer; a block of zeros is too quiet."""
    rate_hz, heard = 16_000, 0
    try:
        while (message := connection.recv()) is not None:
            if isinstance(message, OpenStream):
                rate_hz, heard = message.rate_hz, 0
                labels = (LabelShown("anger", "#0077bb", "▲"), LabelShown("joy", "#ee7733", "●"))
                connection.send(StreamStarted(labels, "pl", 0.25))
            elif isinstance(message, EndStream):
                connection.send(StreamEnded("anger", {"anger": 0.75, "joy": 0.25}, heard / rate_hz, 1))
            else:
                before, heard = heard, heard + len(message)
                if heard * 4 // rate_hz > before * 4 // rate_hz:
                    quiet = not np.abs(message).any()
                    connection.send(Decision(0.0, heard / rate_hz, (0.9, 0.1), -20.0, quiet))
    except (EOFError, OSError):
        return
