"""What telephones see of a failover: real Asterisks under asha, on both engines, and under its peers."""
