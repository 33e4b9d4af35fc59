"""The eight verbs, free of any orchestrator, and the cycle that strings them."""
