"""Something of an adapted model that a person can look at. No torch here: lists of versions read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Explanation:
    """Shares of a whole. title: what is shared out, for the user; shares: (what has it, 0 to 1), which sum to 1."""

    title: str
    shares: tuple[tuple[str, float], ...]

    def as_json(self) -> dict[str, Any]:
        """JSON values, from which `read` makes it again."""
        return {"title": self.title, "shares": [[name, share] for name, share in self.shares]}

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Explanation":
        """Raises KeyError, TypeError, ValueError where `facts` are of another kind."""
        return cls(str(facts["title"]), tuple((str(name), float(share)) for name, share in facts["shares"]))
