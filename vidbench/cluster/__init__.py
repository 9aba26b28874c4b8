"""Suites on clusters: which cases make a job, what of them is where on the shared filesystem, and how far they are."""
