"""Pre-trained speech encoders behind one protocol."""

from engine.backbones.protocol import Backbone, Frames

__all__ = ["Backbone", "Frames"]
