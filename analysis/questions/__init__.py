"""What the scripts of single questions compute: languages, selection on English dev, axes, the published rows."""
