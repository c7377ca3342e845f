"""The training loop: one process that learns and one that draws crops; resumable after any interruption.

    python -m detector.training.train --data DATA --work .work/first --steps 3000

Everything the run needs to go on lies in `--work`: `last.pt` (weights, average, optimiser, step), `log.txt`.
The command printed at the start resumes it. The learning rate follows the step, so a pause changes nothing.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from detector.training import cache, network
from detector.training.manifest import read_own_boxes
from detector.training.sampler import CROP_PX, Sampler
from detector.view import DEFAULT_AGES_S

BATCH = 16
AVERAGE_DECAY = 0.998


class Batches(IterableDataset[dict[str, torch.Tensor]]):  # type: ignore[misc]  # torch is untyped where absent
    """Endless batches from a sampler made in the loading process; `seed` moves on with every resume."""

    def __init__(
        self, data: Path, work: Path, seed: int, splits: frozenset[str], own_boxes: Sequence[Path] = ()
    ) -> None:
        self._data, self._work, self._seed, self._splits = data, work, seed, splits
        self._own = read_own_boxes(*own_boxes)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        sampler = Sampler(
            cache.load_sequences(self._data / "hpwren", self._work / "cache", self._splits, self._own),
            cache.load_stills(self._data / "dfire_hillside", (640, 480), unboxed_is_empty=True)
            + cache.load_stills(self._data / "fesb", (640, 480))
            + cache.load_stills(self._data / "hillfire_oneware", (640, 480)),
            [
                near
                for i, near in enumerate(cache.load_stills(self._data / "near_biplab", (256, 256)))
                if i % 3
            ],
            np.random.default_rng(self._seed),
            painted_out=cache.load_stills(self._data / "nemo", (640, 360)),
        )
        while True:
            yield collate([sampler.draw() for _ in range(BATCH)])


def collate(crops: list[Any]) -> dict[str, torch.Tensor]:
    """Crops to the batch that Ultralytics' loss reads (boxes as centre and size, shares of the crop)."""
    boxes = [
        np.concatenate([np.full((len(c.boxes), 1), i, np.float32), c.boxes], 1) for i, c in enumerate(crops)
    ]
    rows = torch.from_numpy(np.concatenate(boxes))
    corners = rows[:, 2:] / CROP_PX
    centre_size = torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1)
    planes = np.stack([c.channels for c in crops]).transpose(0, 3, 1, 2)
    return {
        "img": torch.from_numpy(np.ascontiguousarray(planes)),
        "batch_idx": rows[:, 0],
        "cls": rows[:, 1:2],
        "bboxes": centre_size,
    }


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Warm-up over 100 steps, then a half cosine down to a twentieth of the peak."""
    warm = min(1.0, (step + 1) / 100)
    return peak * warm * (0.05 + 0.95 * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2)


class Run:
    """Everything that learns: the model, its running average, the optimiser and how far they have come."""

    def __init__(self, architecture: str, start: Path | None, peak: float, frozen: int = 0) -> None:
        model = network.build(architecture, 3 + len(DEFAULT_AGES_S), start)
        for parameter in model.model[:frozen].parameters():
            parameter.requires_grad_(False)
        self.average = copy.deepcopy(model).eval()
        self.model = model.to(memory_format=torch.channels_last).train()
        self.peak = peak
        self.step = 0
        learning = [p for p in model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learning if p.ndim > 1], "weight_decay": 0.02},
            {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=peak)

    def learn(self, batch: dict[str, torch.Tensor], steps: int, *, bf16: bool) -> list[float]:
        """One step on one batch; returns the box, class and dfl parts of the loss."""
        batch["img"] = (batch["img"].float() / 255).contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, steps, self.peak)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss, parts = self.model(batch)
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._follow(min(AVERAGE_DECAY, (1 + self.step) / (10 + self.step)))
        return [float(part) for part in list(parts.values())[:3]]

    def _follow(self, decay: float) -> None:
        ours, theirs = self.average.state_dict().values(), self.model.state_dict().values()
        for mean, value in zip(ours, theirs, strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value.to(mean.dtype), 1 - decay)

    def save(self, file: Path) -> None:
        """Write the state in one move: an interruption leaves the previous one."""
        parts = {"model": self.model, "average": self.average, "optimiser": self.optimiser}
        torch.save(
            {"step": self.step} | {name: part.state_dict() for name, part in parts.items()}, f"{file}.part"
        )
        Path(f"{file}.part").rename(file)

    def resume(self, file: Path) -> None:
        """Go on from a saved state."""
        state = torch.load(file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def train(args: argparse.Namespace) -> None:
    """Run until `--steps`; writes `last.pt` every `--save-every` steps."""
    args.work.mkdir(parents=True, exist_ok=True)
    log = (args.work / "log.txt").open("a", buffering=1)

    def say(text: str) -> None:
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}"
        print(line, flush=True)
        log.write(line + "\n")

    say(f"pid {os.getpid()}; resume: nice -n 19 python -m detector.training.train {' '.join(sys.argv[1:])}")
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    run, last = Run(args.architecture, args.start, args.peak, args.freeze), args.work / "last.pt"
    if last.exists():
        run.resume(last)
        say(f"resumed at step {run.step}")
    drawn = Batches(
        args.data, args.work.parent, args.seed + run.step, frozenset(args.splits.split(",")), args.own_boxes
    )
    batches = iter(DataLoader(drawn, None, num_workers=1))
    begun, begun_step, sums = time.monotonic(), run.step, np.zeros(3)
    while run.step < args.steps:
        sums += run.learn(next(batches), args.steps, bf16=args.bf16)
        if run.step % 50 == 0:
            box, kind, dfl = sums / 50
            pace = (run.step - begun_step) * BATCH / (time.monotonic() - begun)
            losses = f"box {box:.3f} class {kind:.3f} dfl {dfl:.3f}"
            say(f"step {run.step}/{args.steps} {losses} {pace:.1f} crops/s")
            sums[:] = 0
        if run.step % args.save_every == 0 or run.step == args.steps:
            run.save(last)
            say(f"saved step {run.step}")


def main() -> None:
    """Parse arguments and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the shared data folder")
    parser.add_argument("--work", type=Path, required=True, help="an ignored folder for state and log")
    parser.add_argument("--start", type=Path, help="three-channel weights (.safetensors) or ours (.onnx)")
    parser.add_argument("--architecture", default="yolov5n.yaml")
    parser.add_argument("--splits", default="train", help="splits to learn from, comma separated")
    parser.add_argument(
        "--own-boxes", type=Path, nargs="+", default=[], help="tables of detector.training.own_boxes"
    )
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--peak", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--freeze", type=int, default=0, help="so many first layers stay as they are")
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=False)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
