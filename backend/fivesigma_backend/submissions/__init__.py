"""Entries, submissions, evaluations: handing in, quota, the queue, results and standings."""
