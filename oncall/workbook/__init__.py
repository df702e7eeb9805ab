"""What the lessons stand on: plots, exercises, the cockpit, and the builder that runs them."""
