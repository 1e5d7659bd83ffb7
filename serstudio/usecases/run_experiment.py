"""Experiment: a table of the main paper, made again."""

from collections.abc import Iterator

from engine.choices import Protocol
from engine.metalearning.events import TrainingProgress, TrainingRemark
from engine.metalearning.experiments.recipe import read_experiment, with_changes
from engine.metalearning.experiments.run import Conditions, TableMade
from engine.metalearning.experiments.run import run_experiment as run
from engine.metalearning.recipe import find_recipe
from serstudio.errors import SerStudioError
from serstudio.project.staging import WriterLock, lock_path
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.requests import ExperimentRun, RunExperiment


def run_experiment(request: RunExperiment) -> Iterator[Event]:
    """The recipe with what the request changes of it; one process at a time writes to its folder."""
    path = find_recipe(request.recipe)
    recipe = with_changes(read_experiment(path), episodes=request.episodes, queries=request.queries)
    conditions = Conditions(
        corpora_root=request.corpora,
        out=request.out,
        base=request.base,
        start=request.start,
        protocol=Protocol(request.protocol),
        seed=request.seed,
        device=request.device,
    )
    request.out.parent.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(lock_path(request.out))
    if not lock.taken:
        raise SerStudioError(f"An experiment is writing to {request.out} already.", "Wait, or choose another --out.")
    try:
        for event in run(recipe, path.parent, conditions):
            match event:
                case TrainingProgress(step, steps, message, loss, remaining_s):
                    yield Progress(step, steps or None, message, loss, remaining_s)
                case TrainingRemark(message, hint):
                    yield Warned(message, hint)
                case TableMade(table):
                    yield Done(ExperimentRun(request.out, table))
    finally:
        lock.release()
