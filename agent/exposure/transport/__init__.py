"""What each light does to each part of the picture, and what follows from it."""
