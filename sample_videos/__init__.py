"""Small rendered footage, each with its ground truth."""
