"""What a sweep found: scores in Parquet to gains over the baseline, in polars and plain functions.

Each script beside this file answers one question. What they share lies in the folders:

    scores/      from files to the rows of the runs that count
    statistics/  from numbers per seed to estimates with their uncertainty; knows arrays only
    tables/      estimates for a terminal, for Markdown and for programs
    submit/      the files of an XTREME submission
"""
