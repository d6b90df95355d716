"""The subcommands of `fivesigma`, a module for each matter."""
