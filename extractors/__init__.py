"""Read one dataset of a department in a closed window, as Arrow record batches. One module per database or file family."""
