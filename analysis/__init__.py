"""What a sweep found: scores in Parquet to gains over the baseline, in polars and plain functions."""
