"""A version is done again from the very base that it was made from, whatever its name means by now."""

import shutil
from pathlib import Path

import pytest

from engine.base_folder import save_base
from engine.bases import Base
from engine.choices import Recommended
from engine.errors import BaseError
from engine.fingerprint import fingerprint
from serstudio.project import ModelVersion, Project
from serstudio.usecases.comparison_requests import CompareProject, ProjectCompared
from serstudio.usecases.requests import AdaptProject, CheckProject, CheckReport
from serstudio.usecases.version_base import load_base_of, load_known_base
from tests.engine.conftest import tiny_encoder
from tests.usecases.conftest import events_of


def base_in(folder: Path, name: str) -> tuple[Path, str]:
    """The folder of a tiny base called `name`, and the fingerprint of what is read from it."""
    base = Base(name, tiny_encoder(), standardised=True, licence="none", recommended=Recommended("ridge"))
    save_base(base, folder, "# A base", {}, "float32")
    return folder, fingerprint(base.encoder)


def newest(project: Path) -> ModelVersion:
    with Project.open(project) as opened:
        return opened.versions()[-1]


@pytest.mark.parametrize("name", ["of my own", "compact"])
def test_a_check_is_on_the_base_that_was_in_a_folder_even_if_that_is_gone(
    name: str, labelled_project: Path, tmp_path: Path
) -> None:
    folder, known_as = base_in(tmp_path / "a folder", name)
    events_of(AdaptProject(labelled_project, base=str(folder)))
    _, expected = events_of(CheckProject(labelled_project, str(folder)))
    shutil.rmtree(folder)
    assert fingerprint(load_base_of(labelled_project, newest(labelled_project)).encoder) == known_as
    _, report = events_of(CheckProject(labelled_project))
    assert isinstance(report, CheckReport)
    assert report == expected
    assert (report.method, report.head) == ("ridge", "ridge")


def test_methods_are_compared_on_a_base_that_only_the_project_has(labelled_project: Path, tmp_path: Path) -> None:
    folder, _ = base_in(tmp_path / "a folder", "of my own")
    events_of(AdaptProject(labelled_project, base=str(folder)))
    shutil.rmtree(folder)
    _, compared = events_of(CompareProject(labelled_project, ("ridge", "lda"), "of my own"))
    assert isinstance(compared, ProjectCompared)
    assert [each.figures is not None for each in compared.methods] == [True, True]


def test_a_name_that_nobody_knows_is_refused(labelled_project: Path, tiny_base_folder: str) -> None:
    events_of(AdaptProject(labelled_project, base=tiny_base_folder))
    with pytest.raises(BaseError, match="no base called 'nobody'"):
        load_known_base(labelled_project, [newest(labelled_project)], "nobody")
