"""What the hub is measured against: each peer in an environment of its own, run as people run it, one whole process a run.

A module here is a script that knows only its peer: it gets URLs as arguments and ends with one line of JSON about its own
parts. `benchmarks.environments` makes the environments from `requirements/peers-*.txt`; `benchmarks.cases` says what is run.
"""
