"""The demo: an ordinary Flask store, which embeds the extension as any store would, with its worker and a Valkey."""
