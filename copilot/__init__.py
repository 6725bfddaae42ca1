"""The application: plans, acts and presents; the only package that knows users and models."""
