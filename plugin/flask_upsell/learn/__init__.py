"""Orders in, affinities out. SQL files hold the mining, in ANSI SQL; this folder knows no store, Redis or Flask."""
