"""The user's view of a run: request, plan, progress, log and summary."""
