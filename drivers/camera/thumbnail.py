"""The only way in which a picture leaves this machine: small, and asked for (``camera.thumbnail``)."""

import numpy as np

from drivers.base import Picture

QUALITY = 70
BIGGEST = 9000
"""Bytes of JPEG: with what is around it, it stays under the 16 kB a message may have."""


def small(points: Picture, width: int, aspect: float) -> tuple[Picture, bytes]:
    """A picture (and its JPEG) of the metered points, 3 x rows x columns, at most ``width`` wide. ``aspect``: the
    picture's width / height; the points' own is another one."""
    import cv2

    picture: Picture = np.ascontiguousarray(points.transpose(1, 2, 0))
    while True:
        across = min(width, picture.shape[1])
        size = across, max(1, round(across / aspect))
        made: Picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        _, coded = cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if len(coded) <= BIGGEST or width <= 16:
            return made, coded.tobytes()
        width = width * 3 // 4
