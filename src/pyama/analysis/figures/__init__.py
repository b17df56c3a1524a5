"""Figures for publications and the page: what they show, their colours and style."""
