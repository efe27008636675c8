"""Rows and batches that were set aside: what is known of them, what was decided, and their way back."""
