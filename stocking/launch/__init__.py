"""The launcher behind `make run`: every process of one instance on one machine, under one supervisor.

Plain Python and the `supervisor` library. Nothing here imports Django: the launcher starts the processes that
do, and looks at them only from outside (HTTP, the socket, the supervisor's answers, their logs).

    plan.py        where the instance lives, its ports and environment; the state file for other shells
    ownership.py   one launcher per state directory; finding and ending what a killed launcher left behind
    stores.py      the two Valkey servers: binary and configuration
    programs.py    the list of programs and the supervisor's configuration
    supervise.py   the supervisor process itself, which ends when its launcher does
    control.py     asking the supervisor
    watch.py       noticing crashes in the supervisor's answers
    readiness.py   when a player could begin: page, socket, game answer
    launcher.py    the order of it all
    instance.py    a whole instance for a test or a measurement, which can be looked at and killed in part
    mariadb.py     a private MariaDB for the same
"""
