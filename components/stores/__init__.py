"""What the platform remembers: the database, the cache, and the buckets."""
