"""Real kills: a whole instance under load, its processes ended by `kill -9` one after the other.

http.py       a player's connection, cookies and requests
players.py    players who trade, and their record of what was accepted
probe.py      two players who tell how long it takes until an order is accepted and filled again
victims.py    what is killed, and how it comes back
proof.py      the players' record compared with the instance's own database
run.py        the order of it all
"""
