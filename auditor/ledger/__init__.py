"""The book of jobs and the desk: the store, its schema and its queries."""
