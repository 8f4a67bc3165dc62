"""What the product claims in figures, measured by one command: ``./studio bench [NAME …]``."""
