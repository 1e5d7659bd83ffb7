"""P>M>F (Hu et al. 2022) as the main paper first uses it (section 3.4, Table 8): the support set is the query
set too, each clip under two different SpecAugment masks.
"""

from collections.abc import Sequence

import torch

from engine.adaptation.asked import InnerEpisode
from engine.adaptation.clips import PreparedClip
from engine.adaptation.fine_tuning import DrawEpisode, draw_per_label
from engine.adaptation.settings import AdaptationSettings


def pmf_draw(clips: Sequence[PreparedClip], settings: AdaptationSettings) -> DrawEpisode:
    """Draws episodes whose support and query are the same clips (masked anew on each side)."""

    def draw(generator: torch.Generator) -> InnerEpisode:
        groups = draw_per_label(clips, settings.most_clips_per_label, generator)
        members = tuple(position for group in groups for position in group)
        return InnerEpisode(support=members, query=members)

    return draw
