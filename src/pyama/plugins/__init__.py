"""Plugins from installed packages and from files."""
