"""The work of one stage: data to batches, encoder and heads, training, evaluation. Only `stage_trial` imports Ray."""
