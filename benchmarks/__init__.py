"""Timings, as ratios within one run. These are not tests: machines differ, and shared ones are noisy."""

import os

# As the command line does, see vqfr_core/__main__.py; here for both sides of every comparison.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
