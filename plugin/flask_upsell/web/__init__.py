"""Flask's door: parse, one call, render. No decisions."""
