"""Timings, as ratios within one run. Nothing here is a test: machines differ, and shared ones are noisy."""

import os

# What the command line does too, see vqfr_core/__main__.py; here for both sides of every comparison.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
