"""The computation behind each question script: from a `Transfer` to one result class per question."""
