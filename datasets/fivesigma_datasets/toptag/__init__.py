"""Top tagging: hadronic tops against light quarks and gluons, as in the DESY school of 2018."""
