"""Small stand-ins for host programs, and reference weights, for tests, tools and benchmarks."""
