"""An assessment as a file, one module per format: plain values in, bytes out, no database and no clock."""
