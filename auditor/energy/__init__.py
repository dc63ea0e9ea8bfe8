"""Power models: jobs and hardware to Wh per component, each with its basis and band."""
