"""A million rows through the ordinary night: a university of one table, 26 checks and two subscribers."""
