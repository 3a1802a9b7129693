"""The miniature world: lexicon, grammar, generators by kind of task, pretraining text. Start reading at `world.py`."""
