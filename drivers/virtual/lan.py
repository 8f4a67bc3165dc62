"""A network with delay, jitter and loss for the virtual studio."""

import random


class Lan:
    """One-way journeys: a fixed delay, a queue that is mostly short and sometimes long, and loss.

    ``delay``: seconds, the least a journey takes; ``jitter``: seconds, mean of the exponential share on top;
    ``loss``: share 0…1 of datagrams lost. All three may be set while it runs. The same ``seed`` gives the same
    network; not for several threads at a time (the studio asks under its own lock).
    """

    def __init__(self, delay: float = 0.004, jitter: float = 0.0005, loss: float = 0.0, seed: int = 0) -> None:
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self._random = random.Random(seed)  # noqa: S311 - a fake network, repeatable on purpose

    def journey(self) -> float | None:
        """Seconds one way; ``None``: lost."""
        lost = self._random.random() < self.loss
        queue = self._random.expovariate(1.0)  # always drawn: changing one setting does not reshuffle the others
        return None if lost else max(0.0, self.delay + queue * self.jitter)
