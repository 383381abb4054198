"""Physics and astronomy in numpy; nothing here knows of files, models or pages."""
