"""A question before something big, in words. No Qt."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """What is asked before something big is done. `reason`: why it cannot be done at all, None when it can."""

    title: str
    words: str
    facts: tuple[tuple[str, str], ...]
    action: str
    is_danger: bool = False
    reason: str | None = None
