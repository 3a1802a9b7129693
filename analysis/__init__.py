"""What a sweep found: scores in Parquet to gains over the baseline with their uncertainty.

Each script beside this file answers one question. What they share lies in the folders:

    scores/      from files to the rows of the runs that count
    statistics/  from numbers per seed to estimates with their uncertainty; knows arrays only
    transfer/    the transfer matrix: the array of scores, its columns, estimates, and who leads
    questions/   what the scripts of single questions compute
    tables/      findings for a terminal, for papers and for programs
    page/        findings as one page of HTML
    submit/      the files of an XTREME submission
    takeaway/    the model that a user takes away, with its card
    tracking/    stages as runs of TensorBoard and its kin
"""
