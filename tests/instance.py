"""What tests use of a whole real instance; see `stocking.launch.instance`."""

from stocking.launch.instance import REPOSITORY, Instance, free_port, wait_until

__all__ = ["REPOSITORY", "Instance", "free_port", "wait_until"]
