"""Models that plan: the embedded one, its grammar, prompt and worker."""

import os

# A turn must never leave the plant: langsmith comes with langchain-core and listens to these.
os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"
# OpenMP threads that wait in a spin starve everything else; libgomp reads this when it loads.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
