"""What a model folder says of the delta that it holds, and where a project keeps the base of it. No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODELS = "models"  # of a project: a folder for each version
KEPT = "bases"  # of a project: a folder for each base that versions are deltas to


@dataclass(frozen=True)
class DeltaFacts:
    """`base`: what the base was called when the delta was made; the digests tell which one it is for certain.

    fingerprint: of the base's encoder; borrowed: digest of the tensors that are taken from it; whole_bytes: what the
    encoder takes where it is written whole.
    """

    base: str
    fingerprint: str
    borrowed: str
    whole_bytes: int

    @classmethod
    def read(cls, stated: Mapping[str, Any]) -> "DeltaFacts":
        """From JSON. KeyError, TypeError or ValueError where something is missing or off."""
        facts = cls(stated["base"], stated["fingerprint"], stated["borrowed"], int(stated["whole_bytes"]))
        digests = (facts.fingerprint, facts.borrowed)
        if not isinstance(facts.base, str) or any(len(each) != 64 or not each.isalnum() for each in digests):
            raise ValueError("the delta does not say what it is a delta to")
        return facts


def kept_folder(project: Path, fingerprint: str) -> Path:
    """Where a project keeps the base with that fingerprint."""
    return project / KEPT / fingerprint
