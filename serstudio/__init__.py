"""SER Studio: the desktop app and the command line over the few-shot `engine`."""

__version__ = "0.1.0"
