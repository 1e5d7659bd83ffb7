"""The labels of a project: the user's own words, each with a colour, a symbol and a key."""

from collections.abc import Sequence
from dataclasses import asdict

from engine.names import same_name
from serstudio.errors import ProjectError
from serstudio.project import palette
from serstudio.project.changes import Image
from serstudio.project.database import Database
from serstudio.project.history import History
from serstudio.project.records import Label, label_of


def check_names(names: Sequence[str]) -> list[str]:
    """The names as they will be kept. ProjectError: an empty or a repeated one."""
    cleaned: list[str] = []
    for name in names:
        kept = palette.clean_name(name, "label")
        if any(same_name(kept) == same_name(other) for other in cleaned):
            raise ProjectError(f"The label '{kept}' is given twice.", "Give each label its own name.")
        cleaned.append(kept)
    return cleaned


def new_image(name: str, colour: str | None, symbol: str | None, key: str | None, others: Sequence[Image]) -> Image:
    """The row of a new label; what is None is chosen so that it differs from the `others`."""
    position = max((other["position"] for other in others), default=-1) + 1
    colour, symbol = palette.free_look(
        [(other["colour"], other["symbol"]) for other in others],
        None if colour is None else palette.clean_colour(colour),
        None if symbol is None else palette.clean_symbol(symbol),
    )
    keys = {other["key"] for other in others}
    return {
        "name": name,
        "colour": colour,
        "symbol": symbol,
        "key": palette.first_free_key(keys) if key is None else palette.clean_key(key),
        "position": position,
    }


def new_images(names: Sequence[str]) -> list[Image]:
    """The rows of the labels that a project starts with."""
    images: list[Image] = []
    for name in check_names(names):
        images.append(new_image(name, None, None, None, images))
    return images


class Labels:
    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def all(self) -> list[Label]:
        return [label_of(row) for row in self._database.rows("SELECT * FROM labels ORDER BY position, id")]

    def one(self, label_id: int) -> Label:
        row = self._database.row("SELECT * FROM labels WHERE id = ?", label_id)
        if row is None:
            raise ProjectError("That label is no longer in the project.", "Choose one of those that are.")
        return label_of(row)

    def add(self, name: str, colour: str | None, symbol: str | None, key: str | None) -> Label:
        name = palette.clean_name(name, "label")
        with self._history.action(f"Add the label '{name}'"):
            others = self.all()
            self._refuse_taken(others, name, key)
            image = new_image(name, colour, symbol, key, [asdict(other) for other in others])
            return self.one(self._history.insert("labels", image))

    def edit(self, label_id: int, **values: str | None) -> Label:
        """`values`: name, colour, symbol, key; None leaves that one as it is."""
        clean = {
            "name": lambda text: palette.clean_name(text, "label"),
            "colour": palette.clean_colour,
            "symbol": palette.clean_symbol,
            "key": palette.clean_key,
        }
        with self._history.action(f"Edit the label '{self.one(label_id).name}'"):
            before = self.one(label_id)  # as it is now that nobody else can write
            after = {
                column: clean[column](value)
                for column, value in values.items()
                if value is not None and clean[column](value) != getattr(before, column)
            }
            others = [label for label in self.all() if label.id != label_id]
            self._refuse_taken(others, after.get("name"), after.get("key"))
            if after:
                self._history.update("labels", label_id, {column: getattr(before, column) for column in after}, after)
        return self.one(label_id)

    def remove(self, label_id: int) -> None:
        """Remove the label; its clips become unlabelled."""
        with self._history.action(f"Remove the label '{self.one(label_id).name}'"):
            label = self.one(label_id)  # as it is now that nobody else can write
            for row in self._database.rows("SELECT id, removed FROM clips WHERE label_id = ?", label_id):
                # `removed` goes into the images so that nobody is told of a clip that is not shown.
                state = {"removed": row["removed"]} if row["removed"] else {}
                self._history.update("clips", row["id"], {"label_id": label_id, **state}, {"label_id": None, **state})
            self._history.delete("labels", label_id, asdict(label))

    def counts(self) -> dict[int, int]:
        """Clips per label id, zero included."""
        rows = self._database.rows(
            "SELECT labels.id, COUNT(clips.id) AS clip_count FROM labels "
            "LEFT JOIN clips ON clips.label_id = labels.id AND clips.removed = 0 GROUP BY labels.id"
        )
        return {row["id"]: row["clip_count"] for row in rows}

    @staticmethod
    def _refuse_taken(others: Sequence[Label], name: str | None, key: str | None) -> None:
        for other in others:
            if name and same_name(other.name) == same_name(name):
                raise ProjectError(f"There is a label '{other.name}' already.", "Give it another name.")
            if key and other.key == palette.clean_key(key):
                raise ProjectError(f"The key {other.key} labels '{other.name}' already.", "Choose a key that is free.")
