"""Files that others read; one module a format."""
