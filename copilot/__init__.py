"""The application: plans, acts and presents; the only package that knows users and models."""

import os

# langsmith comes with langchain-core; an environment that asks for it would send turns off site.
for _name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2"):
    os.environ[_name] = "false"
