"""The demo: a training of its own that is killed half-way, resumes, and proves that it lost nothing."""
