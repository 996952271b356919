"""Drawings: labelled grids of images, and faces marked in their picture."""
