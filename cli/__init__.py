"""The `hub` command: arguments and tables, no logic. Imports `runs` and everything below; the demo command also `campus`."""
