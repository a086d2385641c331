"""Values and decisions.

Nothing in here knows Flask, Redis, SQL, the clock or chance: time, seeds and ids are arguments.
The same input gives the same decision, in the widget, in a preview and in a simulation of last year.
"""
