"""Words that both front ends and the use-cases count and time with."""


def counted(count: int, noun: str) -> str:
    """`1 clip`, `12,000 clips`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def in_words(seconds: float) -> str:
    """A duration: `8 s`, `2 min 10 s`, `5 h 03 min`."""
    whole = max(0, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60:02d} s"
