"""Figures of a model on labelled sequences, through the production code."""
