"""One module or folder a step of the job, and the welcome page."""
