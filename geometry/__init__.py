"""Camera model, pixel rays, terrain and coordinate systems: pure functions of values, no I/O but reading a DEM."""
