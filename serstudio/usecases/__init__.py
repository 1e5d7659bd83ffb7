"""What a user can do, one verb a module; the window and the terminal both call these.

A use-case takes one frozen request (`requests`) and yields events (`events`); the last is `Done`.
`dispatch.run` finds the use-case of a request, so a front end imports only the light modules here.
"""
