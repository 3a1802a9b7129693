"""The page that `report.py` writes: the content of each section, and one self-contained HTML file of them.

blocks     the building blocks of a section: text, facts, tables, figures
charts     the drawing of the figures (altair), from small frames
render     blocks to one HTML file, by page.html, style.css and page.js
exports    the figures as SVG and PNG files
"""
