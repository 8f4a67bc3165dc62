"""tmp"""

from agent.exposure.instructions import Commissioned


def page(found: Commissioned) -> str:
    """tmp"""
    return ""
