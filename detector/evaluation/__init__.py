"""Figures of a detector on recorded, labelled footage; each is defined where it is made.
makes it.

The way: `footage` reads folders, `scoring` passes them through the production code, `boxes`, `images` and
`sightings` make the figures of the three levels, `report` puts them together under their published names.
"""
