"""People: sign-up, log-in, sessions, tokens, roles of the site."""
