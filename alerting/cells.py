"""Places as one number, so that an index of the database finds all that lies in a rectangle.

The bits of latitude and longitude alternate, the highest first (Z-order): whatever lies in one square of a
grid, at any of its scales, has numbers that follow each other. So a rectangle is a few ranges of numbers.
Pure; knows nothing of databases.
"""

from __future__ import annotations

from alerting.records import Frame

_BITS = 15
"""For each direction: cells are 0.6 km high and at the equator 1.2 km wide, and their numbers fit 32 bits."""

_MOST = 25
"""Cells a rectangle is covered with: more follow its edges better, but each costs a search."""


def cell_of(lat_deg: float | None, lon_deg: float | None) -> int | None:
    """The number of the cell around a place; None without a place.

    >>> cell_of(23.1, 116.4) == cell_of(23.1001, 116.4001), cell_of(None, None)
    (True, None)
    """
    if lat_deg is None or lon_deg is None:
        return None
    return _interleaved(_row_of(lat_deg), _column_of(lon_deg))


def ranges_of(frame: Frame) -> list[tuple[int, int]]:
    """Ranges of cell numbers, both ends included, that hold all of the frame and little else.

    >>> around = ranges_of(Frame(23.0, 116.3, 23.2, 116.5))
    >>> sum(low <= cell_of(23.1, 116.4) <= high for low, high in around), len(around)
    (1, 7)
    """
    south, north = _row_of(frame.south_deg), _row_of(frame.north_deg)
    west, east = _column_of(frame.west_deg), _column_of(frame.east_deg)
    scale = 0
    while ((north >> scale) - (south >> scale) + 1) * ((east >> scale) - (west >> scale) + 1) > _MOST:
        scale += 1
    cells = sorted(
        _interleaved(row, column)
        for row in range(south >> scale, (north >> scale) + 1)
        for column in range(west >> scale, (east >> scale) + 1)
    )
    ranges: list[tuple[int, int]] = []
    for cell in cells:
        low, high = cell << 2 * scale, (cell + 1 << 2 * scale) - 1
        if ranges and ranges[-1][1] + 1 == low:
            ranges[-1] = ranges[-1][0], high
        else:
            ranges.append((low, high))
    return ranges


def _row_of(lat_deg: float) -> int:
    return _clamped((lat_deg + 90) / 180)


def _column_of(lon_deg: float) -> int:
    return _clamped((lon_deg + 180) / 360)


def _clamped(share: float) -> int:
    return min(max(int(share * (1 << _BITS)), 0), (1 << _BITS) - 1)


def _interleaved(row: int, column: int) -> int:
    return _spread(row) << 1 | _spread(column)


def _spread(number: int) -> int:
    """A zero between every two bits of a number of up to 16."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        number = (number | number << shift) & mask
    return number
