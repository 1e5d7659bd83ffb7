"""Files that other programs read and write. No Qt, no torch."""
