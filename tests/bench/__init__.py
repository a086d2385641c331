"""How fast it is, beside bare Flask: `python -m tests.bench` (make bench). All names: tests/README.md."""
