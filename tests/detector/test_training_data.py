"""What training may learn from: the rules of the manifest, the crops, and the histories they are shown."""

from __future__ import annotations

import ast
from pathlib import Path

import cv2
import numpy as np
import pytest

from detector.training import cache, manifest, synthetic, transplant
from detector.training.sampler import CROP_PX, Sampler, _ground
from detector.training.views import Boxes, ViewSequence
from detector.view import DEFAULT_AGES_S

HEADER = "sequence,camera,split,clock,frames,boxed_frames,frames_before_ignition,first_boxed_s\n"


def hillside(seed: int) -> np.ndarray:
    """Sky above, textured ground below."""
    rng = np.random.default_rng(seed)
    picture = np.full((480, 640, 3), 200, np.uint8)
    picture[190:] = cv2.resize(rng.integers(40, 120, (145, 320, 3)).astype(np.uint8), (640, 290))
    return picture


def sequence_folder(root: Path, name: str, offsets_s: list[int], boxed: dict[int, str]) -> None:
    for part in ("images", "labels"):
        (root / name / part).mkdir(parents=True)
    for offset in offsets_s:
        stem = f"{1_500_000_000 + offset}_{offset:+06d}"
        cv2.imwrite(str(root / name / "images" / f"{stem}.jpg"), hillside(abs(offset)))
        if offset in boxed:
            (root / name / "labels" / f"{stem}.txt").write_text(boxed[offset])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A training fire, a fire of an unseen camera, one with a doubtful clock, and one that is kept out."""
    offsets = list(range(-240, 300, 60))
    box = {120: "0 0.5 0.5 0.2 0.1\n", 180: "0 0.5 0.5 0.25 0.15\n"}
    for name in ("Fire_a", "Fire_b", "Fire_c", "Fire_d"):
        sequence_folder(tmp_path, name, offsets, box)
    (tmp_path / "sequences.csv").write_text(
        HEADER
        + "Fire_a,a,train,sound,9,2,4,120\nFire_b,b,val,sound,9,2,4,120\n"
        + "Fire_c,c,train,weak,9,2,4,-120\nFire_d,a,unused,sound,9,2,4,120\n"
    )
    return tmp_path


def test_only_training_cameras_are_read(dataset: Path) -> None:
    assert {pictures[0].sequence for pictures in manifest.sequences(dataset)} == {"Fire_a", "Fire_c"}


def test_a_picture_after_ignition_without_a_box_is_never_taken_as_empty(dataset: Path) -> None:
    fire = manifest.sequences(dataset)[0]
    unboxed_after = [p for p in fire if (p.offset_s or 0) >= 0 and p.boxes is None]
    assert unboxed_after
    assert not any(p.empty for p in unboxed_after)
    assert [p.offset_s for p in fire if p.empty] == [-240, -180, -120, -60]


def test_a_sequence_with_a_doubtful_clock_gives_no_empty_pictures(dataset: Path) -> None:
    doubtful = manifest.sequences(dataset)[1]
    assert not any(p.empty for p in doubtful)
    assert sum(bool(p.boxes) for p in doubtful) == 2


def test_boxes_of_ours_stand_in_the_place_of_the_data_s_own(dataset: Path) -> None:
    stem = f"{1_500_000_240}_{240:+06d}"
    own: manifest.OwnBoxes = {("Fire_a", stem): ((0, 0.5, 0.5, 0.3, 0.2),)}
    boxed = {p.offset_s: p.boxes for p in manifest.sequences(dataset, own=own)[0] if p.boxes}
    assert list(boxed) == [120, 180, 240]
    assert boxed[240] == ((0, 0.5, 0.5, 0.3, 0.2),)


@pytest.mark.parametrize("sequence", ["Fire_b", "Fire_d", "Fire_x"])
def test_boxes_of_ours_for_cameras_that_judge_are_refused(dataset: Path, sequence: str) -> None:
    with pytest.raises(ValueError, match=f"{sequence}: only sequences of split train"):
        manifest.sequences(dataset, own={(sequence, "1_+00000"): ((0, 0.5, 0.5, 0.1, 0.1),)})


def test_a_broken_label_line_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("0 0.5 0.5 0.1 0.1\nnot a box\n")
    with pytest.raises(ValueError, match=r"x\.txt:2"):
        manifest.read_boxes(tmp_path / "x.txt")


def test_pictures_are_decoded_once_and_read_from_the_cache_afterwards(dataset: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    first = cache.load_sequences(dataset, work)
    for image in (dataset / "Fire_a" / "images").iterdir():
        image.write_bytes(b"gone")
    again = cache.load_sequences(dataset, work)
    assert (first[0].pictures[3] == again[0].pictures[3]).all()


def view_sequence(name: str, pictures: int = 60, first_smoke: int = 30) -> ViewSequence:
    stack = np.stack([hillside(1)] * pictures)
    box: Boxes = np.array([[0, 300, 220, 360, 260]], np.float32)
    stack[first_smoke:, 220:260, 300:360] = 210
    return ViewSequence(
        name,
        stack,
        np.arange(pictures) * 60 - first_smoke * 60,
        tuple(box if i >= first_smoke else None for i in range(pictures)),
        np.arange(pictures) < first_smoke,
    )


def sampler(seed: int = 0) -> Sampler:
    near = [(np.full((256, 256, 3), 90, np.uint8), np.array([[1, 50, 50, 120, 140]], np.float32))]
    return Sampler([view_sequence("a"), view_sequence("b")], [], near, np.random.default_rng(seed))


def test_crops_hold_their_boxes_inside_and_one_channel_for_each_age() -> None:
    draws = sampler()
    for _ in range(40):
        crop = draws.draw()
        assert crop.channels.shape == (CROP_PX, CROP_PX, 3 + len(DEFAULT_AGES_S))
        assert (crop.boxes[:, 1:] >= 0).all()
        assert (crop.boxes[:, 1:] <= CROP_PX).all()
        assert (crop.boxes[:, 3:] > crop.boxes[:, 1:3]).all()


def test_the_same_seed_draws_the_same_crops() -> None:
    one, other = sampler(3), sampler(3)
    for _ in range(5):
        assert (one.draw().channels == other.draw().channels).all()


def test_a_shadow_that_came_a_while_ago_is_in_the_younger_references_too() -> None:
    picture, draws, places = hillside(1), sampler(), set()

    def mark(rng: np.random.Generator, one: np.ndarray) -> np.ndarray:
        marked, at = one.copy(), int(rng.integers(640))
        places.add(at)
        marked[:, at] = 0
        return marked

    came_before = 0
    for _ in range(200):
        places.clear()
        references, gaps = [[picture], [picture], [picture]], [[20.0], [120.0], [3600.0]]
        now = draws._since_a_while(mark, picture, references, gaps)
        (at,) = places
        marked = [(slot[0][:, at] == 0).all() for slot in references]
        assert (now[:, at] == 0).all()
        assert marked in ([False] * 3, [True, False, False], [True, True, False])
        came_before += marked[1]
    assert 60 < came_before < 140


def test_the_length_of_history_says_nothing_about_smoke() -> None:
    rng, views = np.random.default_rng(2), view_sequence("a", pictures=80, first_smoke=40)
    draws = Sampler([views], [], [], rng)

    def ages_with_history(index: int, allowed: np.ndarray) -> list[bool]:
        return [bool(slot) for slot in draws._slots(views, index, allowed)]

    smoky = np.array([ages_with_history(i, np.arange(i)) for i in rng.integers(40, 80, 1500)])
    clean = np.array([ages_with_history(i, np.delete(np.arange(40), i)) for i in rng.integers(0, 40, 1500)])
    assert 0.5 < smoky.mean() < 0.95
    assert np.abs(smoky.mean(axis=0) - clean.mean(axis=0)).max() < 0.12
    assert abs((~smoky.any(axis=1)).mean() - (~clean.any(axis=1)).mean()) < 0.05


def test_laid_over_smoke_is_boxed_where_it_can_be_seen_and_stands_on_its_base() -> None:
    rng, picture = np.random.default_rng(5), hillside(2)
    boxed = 0
    for _ in range(30):
        smoke = synthetic.Smoke.draw(rng, picture, 320, 300, 80)
        after, alpha = smoke.lay_over(picture, 20)
        box = synthetic.visible_box(picture, after, alpha)
        if box is None:
            continue
        boxed += 1
        x1, y1, x2, y2 = box
        changed = np.abs(after.astype(int) - picture).max(axis=2) > 3
        assert changed[int(y1) : int(y2), int(x1) : int(x2)].sum() > 0.9 * changed.sum()
        assert y2 <= 300 + smoke.hidden_px + 4
    assert boxed >= 15


def test_smoke_too_faint_for_a_person_gets_no_box() -> None:
    picture = hillside(2)
    alpha = np.full((480, 640), 0.5, np.float32)
    barely = picture.copy()
    barely[200:220, 200:220] += 2
    assert synthetic.visible_box(picture, barely, alpha) is None


def test_training_sees_nothing_of_the_simulator_whose_scenes_must_stay_unseen() -> None:
    folder = Path(manifest.__file__).parent
    imported: set[str] = set()
    for source in folder.glob("*.py"):
        text = source.read_text()
        assert "sample_videos/" not in text, f"{source.name} reads the sample scenes"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert "detector" in imported
    assert "simulator" not in imported


def burning_view(seed: int) -> ViewSequence:
    """Ten smoke-free minutes, then a bright patch that widens from minute to minute, boxed."""
    ground = hillside(seed)
    pictures = [ground.copy() for _ in range(20)]
    boxes: list[Boxes | None] = [None] * 20
    for i in range(10, 20):
        wide = 4 * (i - 9)
        pictures[i][240 - wide : 240, 320 - wide : 320 + wide] = 230
        boxes[i] = np.array([[0, 320 - wide, 240 - wide, 320 + wide, 240]], np.float32)
    offsets = np.arange(-600, 600, 60)
    return ViewSequence("fire", np.array(pictures), offsets, tuple(boxes), offsets < 0)


def test_a_transplanted_plume_changes_the_new_view_inside_its_box_only() -> None:
    plume = transplant.sources([burning_view(1)])[-1]
    moved = transplant.Transplanted(plume, foot_x=200, foot_y=300, scale=1.0, strength=1.0)
    other = hillside(2)
    change = np.abs(moved.lay_over(other, 0).astype(int) - other).max(axis=2)
    _, x1, y1, x2, y2 = (int(value) for value in moved.boxes[0])
    assert change[y1:y2, x1:x2].mean() > 50
    change[y1 - 15 : y2 + 15, x1 - 15 : x2 + 15] = 0
    assert not change.any()


def test_a_transplanted_plume_has_its_own_past() -> None:
    plume = transplant.sources([burning_view(1)])[-1]
    moved = transplant.Transplanted(plume, foot_x=200, foot_y=300, scale=1.0, strength=1.0)
    other = hillside(2)
    added = [int(np.count_nonzero(moved.lay_over(other, gap_s) != other)) for gap_s in (0, 240, 480)]
    assert added[0] > added[1] > added[2] > 0
    assert moved.lay_over(other, 1200) is other


def test_synthetic_smoke_stands_on_the_ground_even_under_a_bright_horizon() -> None:
    view = hillside(3)
    view[:190] = np.linspace(60, 250, 190)[:, None, None]
    assert _ground(np.array([view] * 3))[:, 1].min() >= 180


def test_decoys_of_painted_out_boxes_leave_most_of_a_picture_as_it_was() -> None:
    picture = hillside(4)
    changed = (transplant.painted_out_decoys(np.random.default_rng(0), picture) != picture).any(axis=2)
    assert 0 < changed.mean() < 0.05
