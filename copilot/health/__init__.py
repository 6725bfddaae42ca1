"""The life of health models: training, running along, promotion, drift and their scorecard."""
