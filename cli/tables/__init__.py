"""Tables and texts of the terminal, of any width."""
