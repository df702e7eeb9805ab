"""What the notebooks stand on: plots, and the builder that executes them. Needs matplotlib and Jupyter."""
