"""Predictions on a video, as a batch: its frames answered one by one, tracks through them, and boxes drawn into it."""
