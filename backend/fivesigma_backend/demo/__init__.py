"""`up --demo`: every built-in challenge, an organiser, two participants, and their submissions.

Runs beside the web process and ends once everything is there. Each step looks first whether it
has been done, so that it may be killed anywhere, and a folder that has the demo keeps it. The
passwords of the three stand in the data folder, since the folder belongs to whoever runs the demo.
"""
