"""The nouns: tasks, languages, benchmarks, stages, spaces and plans. Standard library only."""
