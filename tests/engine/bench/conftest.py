"""The made-up corpora and the tiny base of the meta-training tests."""

from tests.engine.metalearning.conftest import corpora_root, tiny_start

__all__ = ["corpora_root", "tiny_start"]
