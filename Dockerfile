# Two stages: llama.cpp is compiled in the first, the second holds no compiler.
FROM python:3.12-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ cmake git && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock README.md ./
COPY copilot copilot
COPY tools tools
COPY knowledge knowledge
COPY evals evals
RUN CMAKE_ARGS="-DGGML_NATIVE=OFF" uv sync --locked --no-dev --no-editable --extra postgres

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 copilot \
    && install -d -o copilot -g copilot /plant /plant/executor /home/copilot/.cache
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER copilot
WORKDIR /home/copilot
EXPOSE 8180
ENTRYPOINT ["copilot"]
