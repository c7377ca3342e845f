"""Where an incident lies and whose ground that is, from all that is seen of it; needs the terrain and the
grids."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.orm import Session

import config
from alerting import association
from alerting.association import Observation
from alerting.grids import Grids
from alerting.reading import put_location, stored_grid_chain
from alerting.records import GridArea, Location
from alerting.tables import IncidentAreaRow, IncidentRow
from geometry.terrain import RasterTerrain, Terrain


class Placement:
    """Places incidents. Without terrain positions are missing, without grids nobody is responsible."""

    def __init__(self, terrain: Terrain | None, grids: Grids | None) -> None:
        self.terrain = terrain
        self._grids = grids

    @classmethod
    def from_deployment(cls, deployment: config.Deployment) -> Placement:
        """Opens the terrain and grids that the deployment names; their errors pass through."""
        return cls(
            RasterTerrain.open(deployment.terrain) if deployment.terrain else None,
            Grids.open(deployment.grids) if deployment.grids else None,
        )

    def place(self, session: Session, row: IncidentRow, seen: Sequence[Observation]) -> Location:
        """Put the incident where these observations together say it is."""
        where = association.combine(seen, self.terrain)
        self.put(session, row, where)
        return where

    def put(self, session: Session, row: IncidentRow, where: Location) -> None:
        put_location(row, where)
        chain = self._chain_at(where)
        row.grid_chain = stored_grid_chain(chain)
        session.flush()
        of_it = IncidentAreaRow.incident_id == row.incident_id
        session.execute(delete(IncidentAreaRow).where(of_it))
        session.add_all(IncidentAreaRow(code=area.code, incident_id=row.incident_id) for area in chain)

    def _chain_at(self, where: Location) -> tuple[GridArea, ...]:
        if self._grids is None or where.lat_deg is None or where.lon_deg is None:
            return ()
        return self._grids.chain_at(where.lat_deg, where.lon_deg)
