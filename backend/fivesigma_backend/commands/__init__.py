"""The commands of `fivesigma-server`."""
