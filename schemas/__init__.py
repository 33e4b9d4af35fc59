"""What is true, in files (contracts, flows, codes, calendar), and the few modules that read and check them."""
