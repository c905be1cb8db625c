"""Run every figure in turn; arguments go to each: ``python -m bench --rounds 5``."""

from bench import ledger, queue

if __name__ == "__main__":
    ledger.main()
    queue.main()
