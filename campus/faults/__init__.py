"""Known faults put into the rehearsal's data, and what the hub must find of each."""
