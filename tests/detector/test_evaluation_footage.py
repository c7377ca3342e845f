"""Reading labelled sequences from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import hill, write_picture

from detector.errors import FootageError
from detector.evaluation.footage import read_footage

EPOCH = 1498418000


def write_sequence(folder: Path, offsets: dict[int, str | None]) -> Path:
    """A sequence with one picture per offset; the value is its label file's text (None: not boxed)."""
    for offset, labels in offsets.items():
        stem = f"{EPOCH + offset}_{offset:+06d}"
        write_picture(folder / "images" / f"{stem}.jpg", hill(64, 64))
        if labels is not None:
            path = folder / "labels" / f"{stem}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(labels, encoding="utf-8")
    return folder


def write_list(folder: Path, *rows: str) -> None:
    (folder / "sequences.csv").write_text(
        "sequence,camera,split,clock\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )


def test_pictures_are_in_time_order_with_their_boxes(tmp_path):
    write_sequence(tmp_path / "hill", {120: "0 0.5 0.5 0.2 0.4\n", -60: None, 60: ""})
    (sequence,) = read_footage(tmp_path)
    assert [picture.offset_s for picture in sequence.pictures] == [-60, 60, 120]
    assert [picture.truth is None for picture in sequence.pictures] == [True, False, False]
    box = sequence.pictures[2].truth[0].in_px(100, 200)
    assert [round(v, 6) for v in (box.x1, box.y1, box.x2, box.y2)] == [40, 60, 60, 140]
    assert sequence.first_boxed_s == 120
    assert sequence.clock == "sound"


def test_hours_before_end_at_ignition_or_at_an_earlier_first_box(tmp_path):
    write_sequence(tmp_path / "a", {-3600: None, 0: "0 0.5 0.5 0.1 0.1"})
    write_sequence(tmp_path / "b", {-3600: None, -1800: "0 0.5 0.5 0.1 0.1", 0: None})
    assert [sequence.hours_before for sequence in read_footage(tmp_path)] == [1.0, 0.5]


def test_a_split_takes_its_sequences_only(tmp_path):
    for name in ("a", "b", "c"):
        write_sequence(tmp_path / name, {0: None})
    write_list(tmp_path, "a,x,train,sound", "b,y,val,weak", "c,z,unused,sound")
    assert [(s.name, s.clock) for s in read_footage(tmp_path, "val")] == [("b", "weak")]


def test_unused_sequences_are_left_out_unless_asked_for(tmp_path):
    for name in ("a", "c", "not_listed"):
        write_sequence(tmp_path / name, {0: None})
    write_list(tmp_path, "a,x,train,sound", "c,z,unused,sound")
    assert [s.name for s in read_footage(tmp_path)] == ["a", "not_listed"]
    assert [s.name for s in read_footage(tmp_path, "unused")] == ["c"]


def test_undated_folders_have_no_clock_even_with_times_in_their_names(tmp_path):
    write_sequence(tmp_path / "undated_a", {0: "0 0.5 0.5 0.1 0.1"})
    (sequence,) = read_footage(tmp_path)
    assert sequence.clock == "none"
    assert sequence.pictures[0].captured_at is None


def test_one_sequence_can_be_named_itself_with_names_without_time(tmp_path):
    write_picture(tmp_path / "images" / "Dim0001.jpg", hill(64, 64))
    (sequence,) = read_footage(tmp_path)
    assert (sequence.clock, len(sequence.pictures)) == ("none", 1)


def test_a_missing_folder_and_an_empty_one_are_told(tmp_path):
    with pytest.raises(FootageError, match="no such folder"):
        read_footage(tmp_path / "gone")
    with pytest.raises(FootageError, match="no sequences here"):
        read_footage(tmp_path)


def test_a_split_without_its_list_or_without_members_is_told(tmp_path):
    write_sequence(tmp_path / "a", {0: None})
    with pytest.raises(FootageError, match=r"needs a sequences\.csv"):
        read_footage(tmp_path, "val")
    write_list(tmp_path, "a,x,train,sound")
    with pytest.raises(FootageError, match=r"no sequence of split vla; sequences\.csv knows train"):
        read_footage(tmp_path, "vla")


@pytest.mark.parametrize("text", ["7 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "smoke 1 2 3 4"])
def test_a_mistake_in_a_label_file_is_told_with_its_line(tmp_path, text):
    write_sequence(tmp_path / "a", {0: f"0 0.5 0.5 0.1 0.1\n{text}\n"})
    with pytest.raises(FootageError, match=r"\.txt:2: expected"):
        read_footage(tmp_path)


def test_the_mast_of_a_sequence_is_that_of_its_camera_and_of_an_unlisted_one_itself(tmp_path):
    for name in ("a_fire", "b_fire"):
        write_sequence(tmp_path / name, {0: None})
    write_list(tmp_path, "a_fire,hp-n,val,sound")
    assert [sequence.mast for sequence in read_footage(tmp_path)] == ["hp", "b_fire"]
