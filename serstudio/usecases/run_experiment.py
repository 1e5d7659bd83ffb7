"""Experiment: a table of a paper, made again."""

from collections.abc import Iterator

from engine.choices import Protocol
from engine.metalearning.experiments.kinds import run_table
from engine.metalearning.experiments.run import Conditions, TableMade
from engine.metalearning.recipe import find_recipe
from serstudio.errors import SerStudioError
from serstudio.project.staging import WriterLock, lock_path
from serstudio.usecases.events import Done, Event
from serstudio.usecases.research_requests import ExperimentRun, RunExperiment
from serstudio.usecases.training_events import as_event


def run_experiment(request: RunExperiment) -> Iterator[Event]:
    """The recipe with what the request changes of it; one process at a time writes to its folder."""
    path = find_recipe(request.recipe)
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
        for event in run_table(path, conditions, episodes=request.episodes, queries=request.queries):
            if isinstance(event, TableMade):
                yield Done(ExperimentRun(request.out, event.table))
            else:
                yield as_event(event)
    finally:
        lock.release()
