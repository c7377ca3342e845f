"""Pictures that show nothing are recognised; dull, dark and foggy ones are judged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from handmade import hill

from detector.bad_pictures import bad_picture


def test_an_ordinary_picture_is_judged():
    assert bad_picture(hill()) is None


@pytest.mark.parametrize("size", [(64, 64), (640, 480), (3840, 2160)])
def test_a_black_picture_is_recognised_at_any_size(size):
    width, height = size
    assert bad_picture(np.full((height, width, 3), 3, np.uint8)) == "all black"


def test_an_overexposed_picture_is_recognised():
    picture = np.full((480, 640, 3), 255, np.uint8)
    picture[:4, :4] = 0
    assert bad_picture(picture) == "overexposed"


@pytest.mark.parametrize("colour", [(128, 128, 128), (130, 130, 130), (0, 135, 0)])
def test_a_half_filled_with_decoder_colour_is_recognised(colour):
    picture = hill().copy()
    picture[240:] = colour
    assert bad_picture(picture) == "decoder damage (flat grey or green areas)"


def test_a_night_with_one_lamp_is_judged():
    picture = np.full((480, 640, 3), 4, np.uint8)
    cv2.circle(picture, (320, 240), 14, (180, 220, 255), -1)
    assert bad_picture(picture) is None


def test_fog_of_the_same_grey_is_judged_because_it_is_not_flat():
    noise = np.random.default_rng(3).normal(0, 3, (480, 640)).astype(np.float32)
    drift = np.linspace(120, 138, 480, dtype=np.float32)[:, None]  # fog is brighter towards the sky
    fog = (drift + cv2.GaussianBlur(noise, (0, 0), 2.0)).round().astype(np.uint8)
    done, compressed = cv2.imencode(
        ".jpg", cv2.cvtColor(fog, cv2.COLOR_GRAY2BGR), [cv2.IMWRITE_JPEG_QUALITY, 40]
    )
    assert done
    assert bad_picture(cv2.imdecode(compressed, cv2.IMREAD_COLOR)) is None


def test_a_bright_sky_over_ground_is_judged():
    picture = hill().copy()
    picture[:300] = 255
    assert bad_picture(picture) is None
