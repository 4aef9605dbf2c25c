"""What an account needs once: the states' bucket and key, whom to believe, and what they may do.

The modules import one another alone, so that the Pulumi CLI, which runs this folder's parent, and
the tests, which run the whole repository, find the same code.
"""
