"""The grid file beside the store: compared with the rosters saved in the console, written with them, counted
again in their place.

Who has changed is told by name, and what of theirs; telephone numbers stay out of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alerting import roster_register
from alerting.grids import Grids, ListedContact, read_features
from alerting.journal import By
from alerting.roster_register import Contacts
from alerting.store import Store

_FIELDS = ("role", "phone", "channels", "duty")


def saved_rosters(store: Store) -> dict[str, Contacts]:
    """The people of the areas whose roster is not the grid file's, by the area's code."""
    with store.reading() as session:
        return roster_register.saved(session)


def differences(grids: Grids | None, saved: dict[str, Contacts]) -> tuple[str, ...]:
    """Where the saved rosters say otherwise than the grid file, one line a person."""
    found: list[str] = []
    for code, contacts in saved.items():
        area = grids.area(code) if grids is not None else None
        if area is None:
            found.append(f"{code}: roster of an area that the grid file has not ({len(contacts)} people)")
        else:
            found += [f"{code} {area.name}: {one}" for one in _people(area.contacts, contacts)]
    return tuple(found)


def exported(path: Path, saved: dict[str, Contacts]) -> str:
    """The grid file as GeoJSON (WGS 84) with the people as they are now. What did not change stays as it is
    written; areas that it has not are left out."""
    features: list[dict[str, Any]] = read_features(path)
    for feature in features:
        properties = feature["properties"]
        contacts = saved.get(properties["code"])
        if contacts is not None:
            properties["contacts"] = roster_register.stored(contacts)
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, indent=1) + "\n"


def apply(store: Store, grids: Grids | None, *, by: By, remove: bool = False) -> tuple[str, ...]:
    """Let the grid file count again for all its areas; saved rosters of areas that it has not are left, or
    given back as well with `remove`. The codes of those that changed."""
    changed = []
    for code in saved_rosters(store):
        if grids is None or (grids.area(code) is None and not remove):
            continue
        roster_register.give_back(store, grids, code, by=by, why="as the grid file says")
        changed.append(code)
    return tuple(changed)


def _people(before: Sequence[ListedContact], now: Sequence[ListedContact]) -> list[str]:
    found = []
    left = list(before)
    for one in now:
        if one in left:
            left.remove(one)
            continue
        known = next((other for other in left if other.name == one.name and other not in now), None)
        if known is None:
            found.append(f"{one.name} ({one.role}) only in the store")
            continue
        left.remove(known)
        names = [name for name in _FIELDS if getattr(known, name) != getattr(one, name)]
        found.append(f"{one.name}: another {', '.join(names)}")
    found += [f"{one.name} ({one.role}) only in the file" for one in left]
    if not found and tuple(before) != tuple(now):
        found.append("the same people in another order")
    return found
