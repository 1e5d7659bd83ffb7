"""Small widgets that know the theme but nothing of projects or jobs."""
