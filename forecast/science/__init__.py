"""Physics and astronomy in numpy, independent of files, models and pages."""
