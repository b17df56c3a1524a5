"""A run as a person sees it: request, plan, progress, log and summary."""
