"""What can be built: architectures as values, search spaces, supernets. Knows nothing of how they are run."""
