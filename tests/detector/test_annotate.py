"""Boxes and Chinese words on pictures."""

from __future__ import annotations

from datetime import timedelta

import cv2
import numpy as np
import pytest
from handmade import START, found, frame, hill
from PIL import ImageFont

from detector.annotate import COLOURS_BGR, FONT, annotate_sighting, annotated, to_jpeg
from detector.detection import Box, Sighting

NOTHING = b"\0"


def sighting(box: Box) -> Sighting:
    return Sighting(
        "0123",
        "north",
        None,
        "smoke",
        0.7,
        START,
        START + timedelta(seconds=12),
        box,
        640,
        480,
        (),
        "m",
        "balanced",
    )


def test_the_given_picture_is_not_drawn_on():
    image = hill()
    before = image.copy()
    annotated(image, detections=[found()], caption="大南山")
    assert np.array_equal(image, before)


def test_a_box_is_drawn_in_the_colour_of_its_class():
    drawn = annotated(hill(), detections=[found(box=Box(100, 200, 300, 400), label="fire")])
    assert tuple(int(v) for v in drawn[300, 100]) == COLOURS_BGR["fire"]


@pytest.mark.parametrize(
    "box", [Box(-50, -50, 10, 10), Box(630, 470, 700, 500), Box(0, 0, 640, 480), Box(5, 5, 5.2, 5.2)]
)
def test_boxes_at_and_beyond_the_edge_are_drawn_without_error(box):
    assert annotated(hill(), detections=[found(box=box)], sightings=[sighting(box)]).shape == (480, 640, 3)


def test_a_caption_longer_than_the_picture_is_cut():
    assert annotated(hill(80, 64), caption="大南山三号瞭望塔" * 20).shape == (64, 80, 3)


def test_different_words_look_different_so_the_font_has_them():
    pictures = {
        to_jpeg(annotated(hill(), caption=word)) for word in ("烟", "火", "大南山", "瞭望塔", "smoke")
    }
    assert len(pictures) == 5


@pytest.mark.parametrize(
    "character", "烟火森林防瞭望塔镇村峁坳垭屾年月日时分秒确认可疑图像异常摄机巡视，。（）°"
)
def test_the_bundled_font_has_the_characters_of_our_captions(character):
    font = ImageFont.truetype(str(FONT), 24)
    missing = bytes(font.getmask("\U0002f9f4"))
    assert bytes(font.getmask(character)).strip(NOTHING)
    assert bytes(font.getmask(character)) != missing


def test_the_font_lies_with_its_licence():
    assert "SIL OPEN FONT LICENSE" in (FONT.parent / "OFL.txt").read_text(encoding="utf-8")
    assert FONT.stat().st_size < 1_600_000


def test_a_sighting_shows_its_camera_and_the_local_time():
    shot = frame(hill(), 12)
    shown = annotate_sighting(shot, sighting(Box(100, 100, 160, 160)), camera_name="北坡")
    other_name = annotate_sighting(shot, sighting(Box(100, 100, 160, 160)), camera_name="南坡")
    assert not np.array_equal(shown, other_name)
    assert np.array_equal(shown[:400, 300:], shot.image[:400, 300:])  # the rest of the picture is untouched


def test_a_jpeg_can_be_read_again():
    assert cv2.imdecode(np.frombuffer(to_jpeg(hill()), np.uint8), cv2.IMREAD_COLOR).shape == (480, 640, 3)
