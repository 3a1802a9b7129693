"""What one stage does: data to batches, encoder and heads, training, evaluation. Only `stage_trial` knows Ray."""
