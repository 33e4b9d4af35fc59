"""From a department's system to the landing: extract in a closed window, recognise, probe. Imports `extractors`."""
