"""The web service and the rules of the game."""
