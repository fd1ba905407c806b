"""How often a report's verdicts are right: searches in NAS-Bench-201's table, of which the truth is known."""
