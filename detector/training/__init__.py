"""Training and export of the detector; needs the train extra."""
