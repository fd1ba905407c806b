"""What is said to the user in one line, with exit status 2."""


class BadInput(Exception):
    """Something in the study, its data or the command line is wrong; the message says what, where and what to do."""
