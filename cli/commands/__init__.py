"""One module per family of commands; presence registers it."""
