"""Practice: private games against bots on the pure core, all of them in one process of their own.

The page asks over its socket (`asks`), the ASGI server passes that on over the bus, the host (`host`, run by
`manage.py practice`) plays the games and answers on the player's private topic (`frames`). Nothing here touches the
gate, the live market or a rating; the one thing stored is the first attempt at the seed of the day (`daily`).
"""
