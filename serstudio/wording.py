"""Words that both front ends and the use-cases count, list and time with."""

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """`1 clip`, `12,000 clips`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`; "" of none."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def lower_first(text: str) -> str:
    """For a sentence that goes on within another: `Label removed` becomes `label removed`."""
    return text[:1].lower() + text[1:]


def in_words(seconds: float) -> str:
    """A duration: `8 s`, `2 min 10 s`, `5 h 03 min`."""
    whole = max(0, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60:02d} s"


def bytes_in_words(count: int) -> str:
    """A size: `4 kB`, `82 MB`, `1.3 GB` (decimal, as file managers and shops count)."""
    if count >= 999_500_000:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 999_500 else f"{max(min(count, 1), round(count / 1e3))} kB"
