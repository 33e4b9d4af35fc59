"""What the table families of receivers are made of: the merge in one transaction, control totals, what does not fit."""
