"""Training of bases: corpora, episodes, meta-learning, and the published experiments."""
