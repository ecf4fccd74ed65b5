"""Notices to people away from the screen: a digest each morning, urgent alerts at once, by mail or a WeCom robot."""
