"""One camera: its lane, its watch, its files."""
