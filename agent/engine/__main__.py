"""``python -m agent.engine FOLDER [heir]``: the output engine of the agent whose state is in that folder.

The daemon starts it; nobody else has to. With ``heir`` it waits until the engine there is has fallen.
"""

import sys
from pathlib import Path

from agent.engine.hurry import HEIR, hurry

if __name__ == "__main__":
    waits = HEIR in sys.argv[2:]
    if not waits:
        hurry()
    from agent.engine.process import main  # what takes long

    sys.exit(main(Path(sys.argv[1]), waits))
