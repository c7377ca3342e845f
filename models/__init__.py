"""Weights, model cards and the registry that names the model in use."""
