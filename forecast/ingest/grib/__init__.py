"""GRIB files: headers, packing, grids, and decoding in a process that may die."""
