"""The pages of documentation that are written from the code: `make docs`."""
