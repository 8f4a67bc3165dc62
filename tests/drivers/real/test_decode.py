"""Packets that are pictures, and those that only look so."""

import cv2
import numpy as np
import pytest

from drivers.errors import BadReply
from drivers.real import decode


@pytest.mark.parametrize("detail", [True, False])
@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_a_picture_cut_inside_its_scan_is_no_picture_though_it_ends_as_one(left: float, detail: bool) -> None:
    """The library fills what is missing with grey, which is near every exposure target."""
    random = np.random.default_rng(3)
    scene = cv2.GaussianBlur(random.integers(0, 255, (1080, 1920, 3), np.uint8), (0, 0), 3)
    whole = cv2.imencode(".jpg", scene)[1].tobytes()
    assert decode.jpeg(whole, detail=detail)[1] == (1920, 1080)
    with pytest.raises(BadReply, match="cut short"):
        decode.jpeg(whole[: int(left * len(whole))] + b"\xff\xd9", detail=detail)
    card = cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))[1].tobytes()
    assert (decode.jpeg(card)[0] == 128).all(), "a test card is a picture"
