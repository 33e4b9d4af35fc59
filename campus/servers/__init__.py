"""The rehearsal's databases and directory on this machine."""
