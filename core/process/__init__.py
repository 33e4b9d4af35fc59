"""What a process of the hub may use and leaves behind: memory, libraries loaded beside, private files. Imports `core` only."""
