"""Tasks, languages, benchmarks, stages, spaces and plans. Imports the standard library only."""
