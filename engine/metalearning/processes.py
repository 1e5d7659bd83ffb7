"""Which of the processes of a launcher (`accelerate launch`, torchrun) this one is. No torch here."""

import os


def is_main_process() -> bool:
    """Whether this process is the one that reports and writes; without a launcher it is."""
    return os.environ.get("RANK", "0") == "0"


def was_launched() -> bool:
    """Whether a launcher started several of us."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def local_rank() -> int:
    """The number of this process among those on this machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
