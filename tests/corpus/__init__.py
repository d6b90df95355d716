"""Hostile and broken prediction files, made by code: what students, tools and attackers send.

Each entry names the tiny test set that it is sent to, writes its bytes, and says what the report
must be: exactly which errors, or none, and exactly which warnings. `python -m corpus` (with the
folder of the tests on the path) sends them all and prints what they cost.
"""
