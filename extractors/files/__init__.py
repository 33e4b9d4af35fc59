"""What the file families are made of: kinds, encodings, workbooks, DBF, and the process that opens files of people."""
