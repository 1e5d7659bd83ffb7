"""The model card of a trained base, and the licence that its weights inherit. No torch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.metalearning.corpora import CORPORA, Corpus

_CARD_SECTION = re.compile(r"\n+\[card\]\n.*?(?=\n\[[\w.-]+\]\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Data:
    """The corpora that a base was trained and validated on, as they were used."""

    train: Sequence[Corpus]
    validation: Sequence[Corpus]


def inherited_licence(start: str, trained_on: Sequence[str]) -> str:
    """One line: weights carry the terms of what they started from and of the corpora they were trained on."""
    terms = "; ".join(f"{CORPORA[name].title} {CORPORA[name].licence}" for name in trained_on)
    return f"Weights under the terms of their sources: start {start}; corpora {terms}."


def clip_counts(corpora: Sequence[Corpus]) -> dict[str, int]:
    """Clips by corpus, for a base's `training`."""
    return {corpus.name: len(corpus.clips) for corpus in corpora}


def base_card(
    *,
    name: str,
    summary: str,
    licence: str,
    data: Data,
    figures: Mapping[str, str],
    notes: str,
    failures: str,
    recipe_text: str,
) -> str:
    """Markdown: what it is, terms, data, figures, known failures, and the recipe that makes it again.

    notes: what the recipe's section [card] says of the base; it is not shown again with the recipe.
    """
    lines = [f"# {name}", "", summary, "", f"**Licence.** {licence}", "", "## Data", ""]
    lines += ["| corpus | language | clips | speakers | over 9.375 s, left out | licence | used for |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [_row(corpus, "training") for corpus in data.train]
    lines += [_row(corpus, "validation") for corpus in data.validation]
    lines += ["", "## Figures", ""]
    lines += [f"- {what}: {figure}" for what, figure in figures.items()] or ["- none measured in training"]
    lines += ["", notes.strip()] if notes else []
    lines += ["", "## Known failures", "", failures, "", "## Recipe", ""]
    lines += ["`serstudio metatrain` with this file made it, and makes it again:", ""]
    lines += [f"    {line}".rstrip() for line in _CARD_SECTION.sub("", recipe_text).splitlines()]
    return "\n".join(lines) + "\n"


def _row(corpus: Corpus, use: str) -> str:
    info = CORPORA[corpus.name]
    speakers = len({clip.speaker for clip in corpus.clips if clip.speaker})
    others = corpus.missing + corpus.unreadable + corpus.unlabelled
    left_out = str(corpus.too_long)
    if others:
        left_out += f"; {others} not there, unreadable or without a known label"
    cells = (info.title, corpus.language, len(corpus.clips), speakers, left_out, info.licence, use)
    return f"| {' | '.join(str(cell) for cell in cells)} |"
