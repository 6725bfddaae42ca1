"""Models that plan: the embedded one, its grammar, prompt and worker."""
