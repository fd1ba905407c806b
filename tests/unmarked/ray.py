"""What a process finds in place of Ray where a test without the mark `ray` starts it."""

raise ImportError("a test that starts Ray has the mark ray")
