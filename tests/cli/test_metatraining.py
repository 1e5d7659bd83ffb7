"""metatrain: refusals on the command line."""

from pathlib import Path

from tests.cli.conftest import Run


def test_metatrain_refuses_in_words(tmp_path: Path, fails: Run) -> None:
    (tmp_path / "bad.toml").write_text('kind = "magic"')
    options = ("--corpora", tmp_path, "--out", tmp_path / "out")
    assert fails("metatrain").code == 2
    assert fails("metatrain", "nonsense", *options).code == 1
    assert "no known kind" in fails("metatrain", tmp_path / "bad.toml", *options).err
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]
