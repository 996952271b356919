"""Small stand-ins of host programs, and reference weights: for tests, tools and benchmarks."""
