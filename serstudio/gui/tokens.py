"""The design system's values: colours of both schemes, spacing, radii and the type scale."""

from dataclasses import dataclass
from enum import Enum


class Scheme(Enum):
    """Which of the two sets of colours is shown."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Tokens:
    """Colours of one scheme, as `#rrggbb`. Text on its ground has a contrast of 4.5 or more."""

    ground: str
    rail: str
    surface: str
    surface_alt: str
    surface_press: str
    border: str
    border_strong: str
    text: str
    text_muted: str
    text_faint: str
    accent: str
    accent_hover: str
    accent_press: str
    accent_soft: str
    accent_text: str
    on_accent: str
    success: str
    success_soft: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str
    wave: str
    spectrum: tuple[str, ...]


LIGHT = Tokens(
    ground="#f6f6f4",
    rail="#eeeeeb",
    surface="#ffffff",
    surface_alt="#f3f3f0",
    surface_press="#e8e8e4",
    border="#e3e3de",
    border_strong="#c9c9c2",
    text="#1b1c1f",
    text_muted="#55585f",
    text_faint="#6b6e75",
    accent="#3d55c9",
    accent_hover="#3349b5",
    accent_press="#2a3d9c",
    accent_soft="#e9edfc",
    accent_text="#3048b8",
    on_accent="#ffffff",
    success="#1c7349",
    success_soft="#e3f3ea",
    warning="#8a5a00",
    warning_soft="#fdf3dc",
    danger="#b3312a",
    danger_soft="#fce9e7",
    wave="#5a6fd8",
    spectrum=("#ffffff", "#e3e7fb", "#a9b6f0", "#5f74d6", "#34399b", "#1d1950"),
)

DARK = Tokens(
    ground="#141518",
    rail="#191a1e",
    surface="#1e2024",
    surface_alt="#272a2f",
    surface_press="#30333a",
    border="#2d3036",
    border_strong="#484c55",
    text="#eeeff1",
    text_muted="#adb1ba",
    text_faint="#9095a0",
    accent="#8b9dff",
    accent_hover="#9fafff",
    accent_press="#7689f0",
    accent_soft="#272d4a",
    accent_text="#a9b7ff",
    on_accent="#0f1330",
    success="#66c797",
    success_soft="#1b3328",
    warning="#e3b35a",
    warning_soft="#3a2f18",
    danger="#f28b82",
    danger_soft="#412322",
    wave="#8b9dff",
    spectrum=("#1a1c20", "#23264a", "#43429c", "#7d6fd9", "#d79ad0", "#fff1d8"),
)

SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6 = 4, 8, 12, 16, 24
RADIUS_SMALL, RADIUS, RADIUS_LARGE = 6, 8, 12
SIZE_CAPTION, SIZE_BODY, SIZE_LARGE, SIZE_HEADING, SIZE_TITLE, SIZE_DISPLAY = 12, 13, 15, 16, 22, 44
CONTENT_WIDTH = 920


def tokens_for(scheme: Scheme) -> Tokens:
    """The colours of `scheme`."""
    return DARK if scheme is Scheme.DARK else LIGHT
