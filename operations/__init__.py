"""What an operator or a workflow runs against a real account: plain boto3, one command each."""
