"""The daemon: one asyncio loop, all threads, and everything that decides."""

__version__ = "0.1.0"
