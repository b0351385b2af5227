"""Service control: who may be served where, and the record that proves what was decided."""
