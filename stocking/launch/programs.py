"""The programs of an instance and the supervisor's configuration for them."""

from dataclasses import dataclass
from pathlib import Path

from stocking.launch.plan import HOST, Plan, python

STORES = "stores"
SERVICES = "services"
CRASHES_BEFORE_GIVING_UP = 3


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process. `steady_seconds`: alive so long after its start it counts as running."""

    name: str
    group: str
    command: tuple[str, ...]
    steady_seconds: int
    stop_seconds: int

    @property
    def full_name(self) -> str:
        """The supervisor's name for it."""
        return f"{self.group}:{self.name}"


def store_program(name: str, binary: Path, configuration: Path) -> Program:
    """Return the program of one Valkey server."""
    return Program(name, STORES, (str(binary), str(configuration)), steady_seconds=1, stop_seconds=10)


def service_programs(plan: Plan) -> list[Program]:
    """Return the game's own processes, one of each kind."""
    beat = (
        python(), "-m", "celery", "-A", "stocking", "--no-color", "beat", "--pidfile", "",
        "--schedule", str(plan.var_dir / "celerybeat-schedule"),
    )  # fmt: skip
    return [
        _service("web", _web(plan)),
        # Each listing's queue is added by the worker itself when the listing appears.
        _service("engine", _worker("engine", "stock.none")),
        _service("jobs", _worker("jobs", "default,audit")),
        _service("clock", _worker("clock", "clock")),
        _service("beat", beat),
        _service("practice", (python(), "manage.py", "practice")),
    ]


def _service(name: str, command: tuple[str, ...]) -> Program:
    return Program(name, SERVICES, command, steady_seconds=1, stop_seconds=10)


def _web(plan: Plan) -> tuple[str, ...]:
    application, port = "stocking.asgi:application", str(plan.port)
    if plan.web_server == "daphne":
        return (python(), "-m", "daphne", "--bind", HOST, "--port", port, "--verbosity", "0", application)
    return (
        python(), "-m", "uvicorn", application, "--host", HOST, "--port", port, "--workers", "1",
        "--ws", "websockets-sansio", "--ws-max-size", "32768", "--ws-per-message-deflate", "false",
        "--no-access-log", "--no-proxy-headers", "--no-use-colors", "--timeout-graceful-shutdown", "2",
    )  # fmt: skip


def _worker(name: str, queues: str) -> tuple[str, ...]:
    return (
        python(), "-m", "celery", "-A", "stocking", "--no-color", "worker", "--hostname", f"{name}@localhost",
        "--queues", queues, "--pool", "solo", "--concurrency", "1", "--prefetch-multiplier", "1",
        "--without-gossip", "--without-mingle",
    )  # fmt: skip


def supervisor_configuration(programs: list[Program], run_dir: Path) -> str:
    """Return supervisord's configuration; paths go by the links in the run directory, see `make_run_dir`.

    The stores are a group of lower priority, so they are stopped after everything that uses them.
    """
    sections = [
        f"""\
[supervisord]
nodaemon=true
silent=true
logfile={run_dir}/var/log/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile={run_dir}/supervisord.pid
minprocs=1

[unix_http_server]
file={run_dir}/control.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    for priority, group in ((100, STORES), (900, SERVICES)):
        members = [program for program in programs if program.group == group]
        if members:
            names = ",".join(program.name for program in members)
            sections.append(f"[group:{group}]\nprograms={names}\npriority={priority}\n")
            sections += [_program_section(program, run_dir) for program in members]
    return "\n".join(sections)


def _program_section(program: Program, run_dir: Path) -> str:
    command = " ".join(_quoted(argument) for argument in program.command)
    return f"""\
[program:{program.name}]
command={command}
directory={run_dir}/root
autostart=false
autorestart=true
startsecs={program.steady_seconds}
startretries={CRASHES_BEFORE_GIVING_UP}
stopsignal=TERM
stopwaitsecs={program.stop_seconds}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={run_dir}/var/log/{program.name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=2
"""


def _quoted(argument: str) -> str:
    """Quote one argument for the supervisor: shell quotes, doubled %, and no ; or # that begins a comment.

    The supervisor takes ` ;` and ` #` for comments even inside quotes; a quote before the sign prevents it.
    """
    inside = argument.replace("'", "'\"'\"'").replace(";", "'';").replace("#", "''#")
    return "'" + inside.replace("%", "%%") + "'"
