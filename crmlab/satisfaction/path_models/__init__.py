"""Path models by partial least squares: from answers or covariances to paths, effects, weights and their resamples."""
