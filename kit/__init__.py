"""Studies on a GPU machine that has torch and no network: what `make gpu-kit` packs, and what unpacks and runs it."""
