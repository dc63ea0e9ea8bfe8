"""Which nodes have which accelerators and processors, and which rule said so."""
