"""What a base knows of emotions by their names, for labels that bear such a name.

An anger in one language lies where it lies in another, once both are counted from their corpus's middle: so the names
of a user's labels tell where to begin. Where they mislead, the labelled clips overrule them (`heads.known`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.emotions import places_of

_RIDGE = 1e-6  # the system below is short of one equation: a corpus's middle can be had from all emotions at once


@dataclass(frozen=True)
class KnownEmotions:
    """`names` are of `emotions.EMOTIONS`. offsets: (emotions, embedding size), where each lies from the middle of all,
    in units of a clip's typical distance from its corpus's middle."""

    names: tuple[str, ...]
    offsets: Tensor

    @classmethod
    def from_names(cls, offsets: Mapping[str, Tensor]) -> "KnownEmotions | None":
        """What `by_name` gave; None where that is nothing."""
        names = tuple(sorted(offsets))
        return cls(names, torch.stack([offsets[name].float() for name in names])) if names else None

    def by_name(self) -> dict[str, Tensor]:
        """The offset (embedding size,) of each emotion, as files keep them."""
        return dict(zip(self.names, self.offsets, strict=True))

    def projected(self, projection: Tensor) -> "KnownEmotions":
        """The same of a base whose embeddings come out of `projection` (embedding size, embedding size)."""
        return replace(self, offsets=self.offsets @ projection)

    def places(self, labels: Sequence[str]) -> dict[int, int]:
        """Rows of `offsets` by the positions of those labels that are known (`emotions.places_of`)."""
        return places_of(labels, self.names)

    def of_labels(self, labels: Sequence[str]) -> Tensor | None:
        """(labels, embedding size): each label's offset from the middle of those that are known, 0 where it is not.

        None where none is (`places`).
        """
        places = self.places(labels)
        if not places:
            return None
        found = self.offsets.new_zeros(len(labels), self.offsets.shape[1])
        rows = self.offsets[list(places.values())]
        found[list(places)] = rows - rows.mean(0)
        return found


def learn_known_emotions(corpora: Sequence[tuple[Tensor, Sequence[str]]]) -> KnownEmotions:
    """From each corpus's embeddings (clips, embedding size) and the emotions of its clips.

    The means of (corpus, emotion) are taken apart by least squares into a middle of the corpus and an offset of the
    emotion, for no two corpora need have the same emotions. Every such mean weighs the same.
    """
    names = tuple(sorted({name for _, emotions in corpora for name in emotions}))
    design, means, distances = [], [], []
    for number, (embeddings, emotions) in enumerate(corpora):
        exact = embeddings.double()
        rows = {name: [row for row, each in enumerate(emotions) if each == name] for name in sorted(set(emotions))}
        of_corpus = torch.stack([exact[members].mean(0) for members in rows.values()])
        distances.append((exact - of_corpus.mean(0)).square().sum(1).mean().sqrt())
        means.append(of_corpus)
        for name in rows:
            row = torch.zeros(len(corpora) + len(names), dtype=torch.float64)
            row[number] = row[len(corpora) + names.index(name)] = 1
            design.append(row)
    system, targets = torch.stack(design), torch.cat(means)
    penalised = system.T @ system + _RIDGE * torch.eye(system.shape[1], dtype=torch.float64)
    offsets = torch.linalg.solve(penalised, system.T @ targets)[len(corpora) :]
    return KnownEmotions(names, ((offsets - offsets.mean(0)) / torch.stack(distances).mean()).float())
