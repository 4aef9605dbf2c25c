"""`backlot:logs`: how long log groups keep what they are told."""

from __future__ import annotations

from settings.fields import LogRetentionDays, Section


class LogsSettings(Section):
    retention_days: LogRetentionDays
    """Days a log event stays in CloudWatch Logs (0.50 USD per GB taken in, 0.03 per GB-month)."""
    archive: bool = False
    """True: every event is copied to the log bucket, and kept for `buckets.logs_days`."""
