"""Single keys from the terminal, on the loop. The terminal is given back as it was, whatever happens."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """While open, ``pressed`` hears each key. Without a terminal on standard input nothing is heard.

    Ctrl-Z is off meanwhile: a stopped program would leave a terminal without echo behind.
    """
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def readable() -> None:
        text = os.read(descriptor, 64).decode(errors="replace")
        if not text:  # the terminal is gone
            loop.remove_reader(descriptor)
        if not text.startswith("\x1b"):  # arrows and the like
            for key in text:
                pressed(key)

    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        mode = termios.tcgetattr(descriptor)
        mode[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(descriptor, termios.TCSANOW, mode)
        loop.add_reader(descriptor, readable)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
