from tests.faults.topology import topology

__all__ = ["topology"]
