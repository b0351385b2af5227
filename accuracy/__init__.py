"""How true, against outside data: `python -m accuracy` makes docs/accuracy.md."""
