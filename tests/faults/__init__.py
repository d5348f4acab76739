"""What breaks while a broadcast is being sent, and that nobody is lost and nobody written to twice unmarked.

The processes are those of the Procfile; the judge is a mail server that notes every message before it answers. Few
faults of each kind happen in everyday tests; `FAULTS=full python -m pytest -s tests/faults` does what is promised: 20
kills of a send to 10,000 recipients, every server stopped five times.
"""
