"""The hub's own PostgreSQL, the connections of the site, and why a server cannot be reached. Imports `core` only."""
