"""The page that `report.py` writes: what each section says and shows, and one self-contained HTML file of it.

blocks     what a section is made of: text, facts, tables, figures
charts     how the figures are drawn (altair), from small frames
render     blocks to one HTML file, by page.html, style.css and page.js
exports    the figures as SVG and PNG files
"""
