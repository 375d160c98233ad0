"""What people see: one short file per page, shared parts in `parts`."""
