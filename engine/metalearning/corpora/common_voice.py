"""Common Voice, for accent recognition: language-accent pairs (main paper, section 4.1 and Table 2)."""

from pathlib import Path

from engine.errors import CorpusError
from engine.metalearning.corpora.corpus import Findings, FoundClip
from engine.metalearning.corpora.tables import duration_s, read_rows

# Most of the paper's languages have no accents in the corpus (Romanian has "1 accent"): clips without one are a class.
UNSPECIFIED = "unspecified"


def find_common_voice(root: Path) -> Findings:
    """Rows of every `LANGUAGE/validated.tsv`; of releases side by side, each clip once.

    The accent is the column `accents` (`accent` before release 8), the speaker `client_id`, the duration that of
    `clip_durations.tsv` where it is there. Raises CorpusError if there is no validated.tsv.
    """
    tables = sorted(root.rglob("validated.tsv"))
    if not tables:
        raise CorpusError(f"{root} holds no LANGUAGE/validated.tsv.", "Unpack the releases (cv-corpus-...) there.")
    clips: dict[tuple[str, str], FoundClip] = {}
    missing = 0
    for table in tables:
        present = {path.name for path in (table.parent / "clips").glob("*")}
        durations_s = _durations_s(table.parent / "clip_durations.tsv")
        for row in read_rows(table, ("client_id", "path"), "\t"):
            if row["path"] not in present:
                missing += 1
                continue
            accent = (row.get("accents") or row.get("accent") or "").strip() or UNSPECIFIED
            clip = FoundClip(
                table.parent / "clips" / row["path"],
                speaker=row["client_id"],
                accent=f"{table.parent.name}: {accent}",
                duration_s=durations_s.get(row["path"]),
            )
            clips.setdefault((table.parent.name, row["path"]), clip)
    return Findings(tuple(clips.values()), missing)


def _durations_s(table: Path) -> dict[str, float | None]:
    if not table.is_file():
        return {}
    durations_s: dict[str, float | None] = {}
    for row in read_rows(table, ("clip", "duration[ms]"), "\t"):
        milliseconds = duration_s(table, row, "duration[ms]")
        durations_s[row["clip"]] = milliseconds and milliseconds / 1000
    return durations_s
