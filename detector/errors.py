"""What can go wrong in the detector, one class for each kind of cause.

    DetectorError
    ├── BackendError   the inference engine failed, or said something that is no number
    ├── ModelError     weights, registry or profile missing, damaged or of the wrong shape
    └── FootageError   a folder or video that evaluation or replay cannot use

Every message names what, where and how to mend it; the commands print it without a traceback.
"""

from __future__ import annotations


class DetectorError(Exception):
    """Any failure of the detector that a user can act on."""


class BackendError(DetectorError):
    """The engine could not load or run the network, or its output is not finite."""


class ModelError(DetectorError):
    """Weights or the registry are missing, damaged, or not for this program."""


class FootageError(DetectorError):
    """Recorded footage cannot be evaluated or replayed."""
