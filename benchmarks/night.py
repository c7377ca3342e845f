"""How rendered nights of unseen seeds are judged: flames above village lights, and the same nights calm.

    python -m benchmarks.night [--quick] [--json FILE] [--model NAME]

Each seed is another landscape texture, sky and flicker over the scene night_fire; neither training nor
any choice of figures saw them. Once with the fire, once without: there the lights must stay silent to the
end. The baseline in the same run are single looks: how many of those without fire a threshold alone would
report.
Rendered nights prove no accuracy on real ones: no real night footage was available.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.reporting import machine, write_figures
from detector.backend import Backend
from detector.pipeline import Pipeline
from detector.registry import Model, load_model
from simulator.scene import load_scene
from simulator.view import SceneView
from streams.frame import Frame

SCENE = Path(__file__).resolve().parent.parent / "simulator" / "scenes" / "night_fire.yaml"
SEEDS = (770011, 770023, 770039, 770051)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOOK_S = 2.0


@dataclass(frozen=True)
class Night:
    """Seconds at which sightings were confirmed, and looks with a detection at the profile's threshold."""

    confirmed_s: tuple[float, ...]
    looks: int
    reporting: int


def watch(view: SceneView, model: Model, backend: Backend, *, calm: bool) -> Night:
    pipeline = Pipeline(model, backend=backend)
    confirmed: list[float] = []
    looks = reporting = 0
    while looks * LOOK_S < view.scene.duration_s:
        at_s = looks * LOOK_S
        picture = view.shot(at_s, calm=calm).picture
        result = pipeline.look(Frame(picture, "night", START + timedelta(seconds=at_s), looks))
        confirmed += [at_s] * len(result.sightings)
        reporting += bool(result.look.detections)
        looks += 1
    return Night(tuple(confirmed), looks, reporting)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one seed only")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--model", help="name in models/registry.yaml; without it, the current one")
    options = parser.parse_args()
    model = load_model(options.model)
    backend = model.open_backend()
    print(f"{machine()}\n{model.model_id}, profile balanced, a look every {LOOK_S:g} s at 640x352")
    found = false = looks = reporting = 0
    delays: list[float] = []
    seeds = SEEDS[:1] if options.quick else SEEDS
    for seed in seeds:
        scene = load_scene(SCENE).model_copy(update={"seed": seed, "width_px": 640, "height_px": 352})
        assert scene.fire is not None
        view = SceneView(scene)
        burning, calm = (watch(view, model, backend, calm=calm) for calm in (False, True))
        early = [at for at in burning.confirmed_s if at < scene.fire.ignition_s]
        right = [at for at in burning.confirmed_s if at >= scene.fire.ignition_s]
        found += bool(right)
        delays += [right[0] - scene.fire.ignition_s] if right else []
        false += len(early) + len(calm.confirmed_s)
        looks, reporting = looks + calm.looks, reporting + calm.reporting
        when = f"found after {right[0] - scene.fire.ignition_s:.0f} s" if right else "not found"
        print(
            f"seed {seed}: {when}; false before ignition {len(early)}, without fire "
            f"{len(calm.confirmed_s)} ({calm.reporting} of {calm.looks} looks report something)"
        )
    print(f"{found} of {len(seeds)} fires found, {false} false sightings; baseline, single looks: ", end="")
    print(f"{reporting} of {looks} looks at nights without fire would have raised one")
    write_figures(
        options.json,
        {
            "night.found": found / len(seeds),
            "night.delay_s": sum(delays) / len(delays) if delays else None,
            "night.false_sightings": false,
            "night.calm_looks_reporting": reporting / looks,
        },
        model=model.model_id,
        seeds=list(seeds),
    )


if __name__ == "__main__":
    main()
