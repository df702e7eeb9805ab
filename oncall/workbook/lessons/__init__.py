"""What the lessons show: a module for each idea, named after it."""
