"""The rehearsal university: who is there, where, and what a year brings."""
