"""XLSR-HGFM: a pre-trained encoder upstream, a hierarchical grained and feature model downstream.

Zhang et al., "A Multilingual Framework Based on Pre-training Model for Speech Emotion Recognition". Section and
equation numbers in this folder are that paper's.
"""
