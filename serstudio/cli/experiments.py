"""experiment: the papers' tables, made again."""

from pathlib import Path

import click

from engine.choices import Protocol
from engine.metalearning.experiments.table import Cell, Table
from serstudio.cli import output
from serstudio.cli.models import device_option, seed_option
from serstudio.cli.projects import FOLDER, json_option
from serstudio.usecases.research_requests import ExperimentRun, RunExperiment


@click.command()
@click.argument("table", metavar="TABLE")
@click.option(
    "--corpora", required=True, type=FOLDER, metavar="FOLDER", help="Holds one folder a corpus: emodb/, ravdess/ ..."
)
@click.option(
    "--out",
    type=FOLDER,
    default=Path("experiments"),
    show_default=True,
    metavar="FOLDER",
    help="Trainings and figures are kept there, and used again; several tables may share it.",
)
@click.option(
    "--base",
    metavar="BASE",
    help="Train nothing, measure this base: compact, or a folder; tuned as it recommends. For tables 6, 8, 9, 10.",
)
@click.option(
    "--start",
    metavar="ENCODER",
    help="Train from this, not from XLS-R 300M: compact-encoder, a name in 'serstudio models list', or hf:FOLDER.",
)
@click.option("--episodes", type=click.IntRange(min=1), metavar="N", help="Episodes a cell. [default: 600]")
@click.option("--queries", type=click.IntRange(min=1), metavar="N", help="Query clips a label. [default: 15]")
@click.option(
    "--protocol",
    type=click.Choice([protocol.value for protocol in Protocol]),
    default=Protocol.RANDOM.value,
    show_default=True,
    help="new-speakers: query speakers are absent from the support.",
)
@device_option
@seed_option
@json_option
def experiment(
    table: str,
    corpora: Path,
    out: Path,
    base: str | None,
    start: str | None,
    episodes: int | None,
    queries: int | None,
    protocol: str,
    device: str,
    seed: int,
    as_json: bool,
) -> None:
    """Make a table of a paper again.

    TABLE is table4, table5 ... table10 of the main paper; hgfm-table1 to 3, multigate-table3 and 4 or fmaml-table2
    to 4 of the published alternatives; or a TOML file like theirs (resources/recipes).

    What the table compares is trained first, on those of its corpora that are there: with XLS-R 300M that takes
    GPUs and days; --base spares it, --start makes it smaller. The paper's figure stands beside ours in brackets.
    Stop it at any time: the same command goes on where it was.
    """
    request = RunExperiment(
        recipe=table,
        corpora=corpora,
        out=out,
        base=base,
        start=start,
        episodes=episodes,
        queries=queries,
        protocol=protocol,
        device=device,
        seed=seed,
    )
    run = output.follow(request, ExperimentRun)
    if as_json:
        output.print_json(run)
        return
    _say(run.table)


def _say(table: Table) -> None:
    output.say(f"{table.name}. {table.title}: {table.measure}, the paper's in brackets")
    for block in table.blocks:
        output.say("")
        if block.heading:
            output.say(block.heading)
        rows = [(name, *map(_cell, cells)) for name, cells in zip(table.rows, block.cells, strict=True)]
        output.print_table((table.corner, *block.columns), rows, numbers=block.columns)
    output.say("")
    for note in table.notes:
        output.say(note)


def _cell(cell: Cell) -> str:
    """92.1 ± 0.4 (92.86); a dash where there is none of ours."""
    ours = cell.measured.in_words() if cell.measured else "–"
    return ours if cell.paper is None else f"{ours} ({cell.paper:.2f})"
