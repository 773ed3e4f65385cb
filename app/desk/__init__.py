"""The queue as a person works it: the next item, decisions and their undoing, kept texts, approving several."""
