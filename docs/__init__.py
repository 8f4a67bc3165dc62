"""The documents. ``python -m docs.make`` makes their tables."""
