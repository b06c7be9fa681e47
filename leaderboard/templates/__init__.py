"""Templates, styles and scripts of the site."""
