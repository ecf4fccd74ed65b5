"""Alerts: decides who is warned, of what and when, and carries the SMS to the customer."""
