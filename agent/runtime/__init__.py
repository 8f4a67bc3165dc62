"""Threads and what crosses between them and the loop."""
