"""The rows of the rehearsal university, day by day, from one seed."""
