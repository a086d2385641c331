"""What stands behind the ports: Redis, SQL, RQ, host stores, and a twin of each in memory."""
