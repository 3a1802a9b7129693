"""The answers of the question scripts: verdict, tables and notes, one file per script."""
