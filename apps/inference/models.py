"""Inference keeps no rows of its own yet: a deployment is a state of its model."""
