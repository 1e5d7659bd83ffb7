"""The only border between Qt and other threads or processes."""
