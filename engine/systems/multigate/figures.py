"""The paper's figures 3 and 4 as SVG files, written without a plotting library."""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError

_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#222222")  # Tol's bright
_BAR, _GAP, _HEIGHT, _MARGIN = 26, 22, 180, 46
_PANEL = 320
_DOT = 3.2
_PERPLEXITY = 30.0


def gates_svg(weights: Mapping[str, Sequence[float]], streams: Sequence[str]) -> str:
    """Bars of the mean gate weight of every stream, a group a language (figure 4b)."""
    group = _BAR * len(streams) + _GAP
    width, height = 2 * _MARGIN + group * len(weights), _HEIGHT + 3 * _MARGIN
    parts = []
    for at in (0.0, 0.5, 1.0):
        y = _MARGIN + _HEIGHT * (1 - at)
        parts.append(f'<line x1="{_MARGIN}" x2="{width - _MARGIN}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(_MARGIN - 6, y + 4, f"{at:g}", "end"))
    for number, (language, shares) in enumerate(weights.items()):
        left = _MARGIN + _GAP / 2 + number * group
        for place, share in enumerate(shares):
            x, tall = left + place * _BAR, _HEIGHT * share
            top = _MARGIN + _HEIGHT - tall
            colour = _COLOURS[place % len(_COLOURS)]
            parts.append(f'<rect x="{x:.1f}" y="{top:.1f}" width="{_BAR - 3}" height="{tall:.1f}" fill="{colour}"/>')
            parts.append(_text(x + _BAR / 2 - 1, top - 4, f"{share:.2f}", "middle", 10))
        parts.append(_text(left + _BAR * len(shares) / 2, _MARGIN + _HEIGHT + 18, language, "middle"))
    parts += _legend(streams, _MARGIN, height - _MARGIN)
    return _svg(width, height, parts)


def tsne_svg(
    panels: Mapping[str, NDArray[np.float32]], labels: NDArray[np.int64], names: Sequence[str], seed: int
) -> str:
    """Points (clips, 2) of every panel, coloured by label (figure 3); `panels` hold representations (clips, size).

    Raises RecipeError if scikit-learn is not installed.
    """
    try:
        manifold = import_module("sklearn.manifold")
    except ImportError as error:
        raise RecipeError("tsne.svg needs scikit-learn.", "pip install scikit-learn, and run this again.") from error
    width, height = len(panels) * (_PANEL + _MARGIN) + _MARGIN, _PANEL + 3 * _MARGIN
    parts = []
    for number, (title, vectors) in enumerate(panels.items()):
        perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
        points = manifold.TSNE(2, perplexity=perplexity, random_state=seed, init="pca").fit_transform(vectors)
        points = (points - points.min(0)) / np.maximum(np.ptp(points, axis=0), 1e-9)
        left = _MARGIN + number * (_PANEL + _MARGIN)
        parts.append(_text(left + _PANEL / 2, _MARGIN - 14, title, "middle"))
        parts.append(f'<rect x="{left}" y="{_MARGIN}" width="{_PANEL}" height="{_PANEL}" fill="none" stroke="#ddd"/>')
        for (x, y), label in zip(points.tolist(), labels.tolist(), strict=True):
            where = f'cx="{left + x * _PANEL:.1f}" cy="{_MARGIN + y * _PANEL:.1f}"'
            parts.append(f'<circle {where} r="{_DOT}" fill="{_COLOURS[label % len(_COLOURS)]}"/>')
    parts += _legend(names, _MARGIN, height - _MARGIN)
    return _svg(width, height, parts)


def write_figure(path: Path, svg: str) -> None:
    """Write it, whole or not at all. Raises RecipeError."""
    part = path.with_name(f".{path.name}")
    try:
        part.write_text(svg, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise RecipeError(f"{path} cannot be written ({error.strerror}).", "Choose another --out.") from error


def _legend(names: Sequence[str], x: float, y: float) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<rect x="{x}" y="{y - 10}" width="11" height="11" fill="{colour}"/>')
        parts.append(_text(x + 16, y, name))
        x += 28 + 8 * len(name)
    return parts


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" font-family="sans-serif">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])
