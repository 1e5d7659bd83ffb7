"""F-MAML: model-agnostic meta-learning in which silence and neutral speech keep their outputs in every task.

Naman, Sinha and Mancini, Fixed-MAML for Few Shot Classification in Multilingual Speech Emotion Recognition.
"""
