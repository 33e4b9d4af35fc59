"""Contract -> Great Expectations suite, run it, split the rows into accepted and held."""
