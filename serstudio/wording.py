"""Words that both front ends and the use-cases count with."""


def counted(count: int, noun: str) -> str:
    """`1 clip`, `12,000 clips`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
