"""The kinds of process a centre is made of, each a module run with `python -m firewatch.processes.NAME`."""
