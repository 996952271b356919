"""Timings, as ratios within one run. Nothing here is a test: machines differ, and shared ones are noisy."""
