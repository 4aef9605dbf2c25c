"""Runs the Pulumi program unmodified, with no account and no CLI, against an in-memory AWS."""
