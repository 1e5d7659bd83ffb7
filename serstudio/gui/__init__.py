"""The window: a Qt front end over the same use-cases as the terminal. It never imports torch."""
