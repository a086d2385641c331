"""Adapters to host stores. See core.ports.Store for what each method promises."""
