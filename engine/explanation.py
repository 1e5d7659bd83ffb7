"""Something of an adapted model that a person can look at. No torch here: lists of versions read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ROUNDING = 1e-5  # a mean in single precision may come out so much above 1


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
        """Raises KeyError, TypeError, ValueError where `facts` are of another kind, or a share is not in 0 to 1."""
        shares = [(str(name), share) for name, share in facts["shares"]]
        if not all(0 <= share <= 1 + _ROUNDING for _, share in shares):  # no NaN either; float() might overflow
            raise ValueError("a share of an explanation is not between 0 and 1")
        return cls(str(facts["title"]), tuple((name, min(1.0, float(share))) for name, share in shares))
