"""Migrations: a file of an older schema is brought up to date, whole or not at all."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from serstudio.errors import ProjectError
from serstudio.project import NewClip, Project, schema


def user_version(folder: Path) -> int:
    with sqlite3.connect(folder / "project.sqlite") as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(version)


def add_notes(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE clips ADD COLUMN note TEXT")
    connection.execute("UPDATE clips SET note = 'from ' || name")


def add_then_fail(connection: sqlite3.Connection) -> None:
    add_notes(connection)
    connection.execute("ALTER TABLE nothing ADD COLUMN x")


@pytest.fixture
def old_project(project: Project) -> Path:
    """A closed project of today's schema with two clips: what the next version will find."""
    names = ("first.wav", "second.wav")
    hashes = (f"{number:064x}" for number in range(2))
    clips = [NewClip(h, f"audio/{h}.wav", name, 1.0, 16_000, 1) for h, name in zip(hashes, names, strict=True)]
    project.add_clips(clips, "Import")
    project.close()
    return project.folder


def test_new_file_has_the_newest_schema(project: Project) -> None:
    assert user_version(project.folder) == len(schema.MIGRATIONS)
    with sqlite3.connect(project.folder / "project.sqlite") as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_empty_file_is_migrated_from_zero() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection, schema.MIGRATIONS)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables >= {"details", "labels", "clips", "versions", "actions"}
    schema.migrate(connection, schema.MIGRATIONS)  # a second process that waited does nothing
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    connection.close()


def test_older_file_is_migrated_when_opened(old_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = user_version(old_project)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_notes))
    with Project.open(old_project) as project:
        rows = project._database.rows("SELECT note FROM clips ORDER BY id")
        assert [row["note"] for row in rows] == ["from first.wav", "from second.wav"]
        assert project.undo() == "Import", "its history is still there"
    assert user_version(old_project) == older + 1
    copy = old_project / f"project.sqlite.schema{older}.bak"
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT COUNT(*) FROM clips").fetchone() == (2,)
        assert connection.execute("PRAGMA user_version").fetchone() == (older,)
    connection.close()


def test_versions_from_before_their_labelling_was_kept(project: Project) -> None:
    """Schema 1, as it was released."""
    project.close()
    with sqlite3.connect(project.folder / "project.sqlite") as connection:
        connection.execute("ALTER TABLE versions DROP COLUMN labelling")
        connection.execute(
            "INSERT INTO versions VALUES (1, 'models/0001', '2026-01-01T00:00:00.000+00:00', 'compact', 'logistic', "
            '0, 0.0, 0, \'["anger", "fear"]\', 8, 0.5, NULL)'
        )
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with Project.open(project.folder) as opened:
        (version,) = opened.versions()
    assert (version.labels, version.clip_count, version.labelling) == (("anger", "fear"), 8, "")


def test_failed_migration_leaves_the_file_as_it_was(old_project: Path, monkeypatch: Any) -> None:
    older = user_version(old_project)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_then_fail))
        with pytest.raises(sqlite3.OperationalError):
            Project.open(old_project)
    assert user_version(old_project) == older
    with Project.open(old_project) as project:
        assert [clip.name for clip in project.clips()] == ["first.wav", "second.wav"]


def test_newer_file_is_refused_and_untouched(project: Project) -> None:
    project.close()
    path = project.folder / "project.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="made by a newer SER Studio") as caught:
        Project.open(project.folder)
    assert "Update" in caught.value.hint
    assert path.read_bytes() == before


def test_kill_while_creating_leaves_no_half_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, killed))
        with pytest.raises(KeyboardInterrupt):
            Project.create(tmp_path / "p", "p", "pl", ["a"])
    with pytest.raises(ProjectError, match="is not a SER Studio project"):
        Project.open(tmp_path / "p")
    Project.create(tmp_path / "p", "p", "pl", ["a"]).close()
