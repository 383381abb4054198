"""What a person types: one module a group of commands; the only code that prints."""
