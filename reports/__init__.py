"""Records of a run -> tables -> one HTML file. Knows neither torch nor the suite."""
