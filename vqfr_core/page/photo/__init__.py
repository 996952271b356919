"""The tab for one photograph."""
