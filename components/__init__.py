"""The platform's components: one module is one thing a person can point at on the picture.

A component takes its settings and the Outputs it is wired to, names its children after itself, and
hands out what others need: Outputs, grants (IAM statements), container secrets, alarms and panels.
It reads no configuration, knows no stack and calls no AWS API.
"""
