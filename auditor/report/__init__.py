"""From the ledger to a read model, and from there to terminal, HTML, JSON and CSV."""
