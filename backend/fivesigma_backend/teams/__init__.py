"""Teams: every participant is in exactly one per challenge, a team of one by default."""
