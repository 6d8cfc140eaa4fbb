"""Reports made and written: the pipeline, the artefacts, texts and the page."""
