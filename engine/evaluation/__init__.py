"""Honest accuracy: episodes, metrics, intervals, cross-validation."""
