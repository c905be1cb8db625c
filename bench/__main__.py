"""Run every figure in turn; arguments go to each: ``python -m bench --seconds 5``."""

from bench import ledger

if __name__ == "__main__":
    ledger.main()
